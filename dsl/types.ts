/**
 * Types of the language as the checker sees them, their names for messages, and the rules of units.
 */
import { unreachable } from './diagnostic.ts';

export type Unit = 'tokens' | 'tiles';
export type ScalarName = 'int' | 'float' | 'bool';

export type AxisType =
  | { readonly kind: 'batch' | 'heads' | 'kv_heads' | 'queries' | 'keys' | 'dim' }
  /** An index of a stage over `0 .. extent`. */
  | { readonly kind: 'counted'; readonly extent: string }
  | { readonly kind: 'blocks'; readonly of: 'queries' | 'keys'; readonly size: string }
  | { readonly kind: 'free'; readonly name: string }
  /** A literal extent, or one given by a `const` parameter (then known only by its name here). */
  | { readonly kind: 'fixed'; readonly extent: string };

export interface ScalarType {
  readonly kind: 'scalar';
  readonly scalar: ScalarName;
  /** Absent: counts nothing in particular, and goes with everything. */
  readonly unit?: Unit;
  /** Made of literals and `const` parameters only. */
  readonly constant: boolean;
  /** Of a name that is an index: the kind of its range. */
  readonly axis?: AxisType['kind'];
}

export interface TensorType {
  readonly kind: 'tensor';
  readonly name: string;
  readonly element: ScalarName;
  readonly unit?: Unit;
  readonly axes: readonly AxisType[];
}

export type Type =
  /** Something with a reported error; goes with everything and causes no further message. */
  | { readonly kind: 'error' }
  | { readonly kind: 'mask' }
  /** A parameter of a chain that stands for an attention. */
  | { readonly kind: 'attention' }
  | ScalarType
  | TensorType;

export const errorType: Type = { kind: 'error' };
export const maskType: Type = { kind: 'mask' };
export const attentionType: Type = { kind: 'attention' };

export function scalarType(scalar: ScalarName, constant: boolean, unit?: Unit): ScalarType {
  return unit === undefined ? { kind: 'scalar', scalar, constant } : { kind: 'scalar', scalar, constant, unit };
}

export function axisText(axis: AxisType): string {
  switch (axis.kind) {
    case 'blocks':
      return `${axis.of} / ${axis.size}`;
    case 'free':
      return axis.name;
    case 'fixed':
    case 'counted':
      return axis.extent;
    case 'batch':
    case 'heads':
    case 'kv_heads':
    case 'queries':
    case 'keys':
    case 'dim':
      return axis.kind;
    default:
      return unreachable(axis);
  }
}

export function tensorText(element: ScalarName, axes: readonly AxisType[]): string {
  return `${element}[${axes.map(axisText).join(', ')}]`;
}

/** A type in words, for messages. */
export function typeText(type: Type): string {
  switch (type.kind) {
    case 'error':
      return 'unknown';
    case 'mask':
      return 'a mask';
    case 'attention':
      return 'an attention';
    case 'scalar':
      return type.scalar;
    case 'tensor':
      return tensorText(type.element, type.axes);
    default:
      return unreachable(type);
  }
}

/** Axes whose index is the current batch or head, so that it may be left out. */
export function isAutomatic(axis: AxisType): boolean {
  return axis.kind === 'batch' || axis.kind === 'heads' || axis.kind === 'kv_heads';
}

/** The unit of two operands together; `mixed` where they count different things. */
export function joinUnits(a: Unit | undefined, b: Unit | undefined): Unit | undefined | 'mixed' {
  if (a === undefined || a === b) return b;
  return b === undefined ? a : 'mixed';
}
