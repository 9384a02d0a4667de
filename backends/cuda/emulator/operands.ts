/**
 * Where operands live in a warp's register file. Registers, special registers, immediates and addresses of variables all get a base,
 * so that an instruction reads nothing but words of the file. Slots of constants are filled once per warp (`fill`).
 */
import type { Instruction, Operand, Variable } from './syntax.ts';
import { sizeOf } from './parse.ts';

/** An instruction the emulator does not know, or a form of it. Stays within this folder. */
export class UnknownInstruction extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnknownInstruction';
  }
}

export interface Constant {
  readonly base: number;
  readonly low: number;
  readonly high: number;
  readonly wide: boolean;
}

export interface SpecialSlot {
  readonly base: number;
  readonly name: string;
}

export interface Layout {
  readonly slotOf: (name: string, type: string) => number;
  readonly constants: Constant[];
  readonly specials: SpecialSlot[];
  readonly addresses: ReadonlyMap<string, number>;
  readonly scratch: () => number;
  readonly words: () => number;
}

/** `addresses`: of module variables, parameters and shared arrays, each already with the tag of its space where it needs one. */
export function createLayout(addresses: ReadonlyMap<string, number>): Layout {
  const bases = new Map<string, number>();
  let words = 0;
  const take = (wide: boolean): number => {
    const base = words;
    words += wide ? 64 : 32;
    return base;
  };
  return {
    constants: [], specials: [], addresses,
    scratch: () => take(true),
    words: () => words,
    slotOf: (name, type) => {
      const known = bases.get(name);
      if (known !== undefined) return known;
      const base = take(sizeOf(type) === 8);
      bases.set(name, base);
      return base;
    },
  };
}

/** The modifiers of one instruction, taken one by one; what is left over is unknown. */
export interface Modifiers {
  readonly take: (...names: readonly string[]) => string | undefined;
  readonly has: (name: string) => boolean;
  readonly type: () => string;
  readonly rest: () => readonly string[];
}

const types = /^(?:[busf](?:8|16|32|64)|bf16|f16x2|bf16x2|b128|pred|tf32)$/;

export function modifiersOf(instruction: Instruction): Modifiers {
  const left = instruction.parts.slice(1);
  const remove = (index: number): string | undefined => (index < 0 ? undefined : left.splice(index, 1)[0]);
  return {
    take: (...names) => remove(left.findIndex((m) => names.includes(m))),
    has: (name) => remove(left.indexOf(name)) !== undefined,
    type: () => {
      const found = remove(left.findIndex((m) => types.test(m)));
      if (found === undefined) throw new UnknownInstruction('it names no type');
      return found;
    },
    rest: () => left,
  };
}

export interface Operands {
  readonly count: number;
  readonly at: (index: number) => Operand;
  /** Base of a source operand read as `type`. */
  readonly source: (operand: Operand, type: string) => number;
  readonly target: (operand: Operand, type: string) => number;
  /** Read without a definedness check, such as the old value of a guarded accumulator. */
  readonly reads: number[];
  readonly writes: number[];
  readonly constant: (low: number, high?: number) => number;
  readonly scratch: () => number;
}

const words = new DataView(new ArrayBuffer(8));

export function operandsOf(instruction: Instruction, layout: Layout): Operands {
  const reads: number[] = [];
  const writes: number[] = [];
  const constant = (low: number, high = 0): number => {
    const known = layout.constants.find((c) => c.low === low && c.high === high);
    if (known !== undefined) return known.base;
    const base = layout.scratch();
    layout.constants.push({ base, low, high, wide: true });
    return base;
  };
  const source = (operand: Operand, type: string): number => {
    switch (operand.kind) {
      case 'register': {
        const base = layout.slotOf(operand.name, operand.type);
        if (sizeOf(type) === 8 && sizeOf(operand.type) < 8) throw new UnknownInstruction(`register ${operand.name} is too narrow for ${type}`);
        reads.push(base);
        return base;
      }
      case 'special': {
        const known = layout.specials.find((s) => s.name === operand.name);
        if (known !== undefined) return known.base;
        const base = layout.scratch();
        layout.specials.push({ base, name: operand.name });
        return base;
      }
      case 'immediate': {
        if (operand.decimal === undefined) return constant(operand.low, sizeOf(type) === 8 ? operand.high : 0);
        if (type === 'f64') {
          words.setFloat64(0, operand.decimal);
          return constant(words.getUint32(4), words.getUint32(0));
        }
        words.setFloat32(0, operand.decimal);
        return constant(words.getUint32(0));
      }
      case 'symbol': {
        const address = layout.addresses.get(operand.name);
        if (address === undefined) throw new UnknownInstruction(`'${operand.name}' is not known here`);
        return constant(address % 2 ** 32, Math.floor(address / 2 ** 32));
      }
      case 'address':
      case 'vector':
      case 'pair':
      case 'sink': throw new UnknownInstruction(`a ${operand.kind} cannot be read here`);
    }
  };
  const target = (operand: Operand, type: string): number => {
    if (operand.kind === 'sink') return layout.scratch();
    if (operand.kind !== 'register') throw new UnknownInstruction(`a ${operand.kind} cannot be written`);
    if (sizeOf(type) === 8 && sizeOf(operand.type) < 8) throw new UnknownInstruction(`register ${operand.name} is too narrow for ${type}`);
    const base = layout.slotOf(operand.name, operand.type);
    writes.push(base);
    return base;
  };
  return {
    count: instruction.operands.length, reads, writes, constant, scratch: layout.scratch, source, target,
    at: (index) => {
      const operand = instruction.operands[index];
      if (operand === undefined) throw new UnknownInstruction(`it has no operand ${index + 1}`);
      return operand;
    },
  };
}

/** Places variables of one space one after the other; external ones all begin where the others end. */
export function placeVariables(variables: readonly Variable[], start: number): { readonly places: ReadonlyMap<string, number>; readonly end: number } {
  const places = new Map<string, number>();
  let end = start;
  for (const v of variables.filter((v) => !v.external)) {
    end = Math.ceil(end / v.align) * v.align;
    places.set(v.name, end);
    end += v.size;
  }
  const externals = variables.filter((v) => v.external);
  if (externals.length > 0) end = externals.reduce((at, v) => Math.ceil(at / v.align) * v.align, end);
  for (const v of externals) places.set(v.name, end);
  return { places, end };
}
