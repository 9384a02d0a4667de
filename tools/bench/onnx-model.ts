/**
 * One-node ONNX models, written as protobuf by hand (no package needed). In: sizes. Out: the bytes of a model with
 * one attention operator of ONNX Runtime's own domain. Field numbers are those of onnx.proto3.
 */

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    if (rest === 0n) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

type Bytes = readonly number[];

const integer = (field: number, value: number): Bytes => [...varint(field << 3), ...varint(value)];
const bytes = (field: number, content: Bytes): Bytes => [...varint((field << 3) | 2), ...varint(content.length), ...content];
const text = (field: number, value: string): Bytes => bytes(field, [...new TextEncoder().encode(value)]);
const join = (...parts: readonly Bytes[]): Bytes => parts.flat();

// TensorProto.DataType
const elementTypes = { f32: 1, i32: 6 };
// AttributeProto.AttributeType.INT
const intAttribute = 2;

interface Value {
  readonly name: string;
  readonly element: keyof typeof elementTypes;
  readonly shape: readonly number[];
}

function valueInfo(field: number, { name, element, shape }: Value): Bytes {
  const dims = shape.map((extent) => bytes(1, integer(1, extent)));
  const tensor = join(integer(1, elementTypes[element]), bytes(2, join(...dims)));
  return bytes(field, join(text(1, name), bytes(2, bytes(1, tensor))));
}

interface Operator {
  readonly type: string;
  /** Names of inputs; '' leaves an optional one out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, number>>;
}

function model(operator: Operator, inputs: readonly Value[], outputs: readonly Value[]): Uint8Array {
  const attributes = Object.entries(operator.attributes).map(([name, value]) => bytes(5, join(text(1, name), integer(3, value), integer(20, intAttribute))));
  const node = join(
    ...operator.inputs.map((name) => text(1, name)),
    ...operator.outputs.map((name) => text(2, name)),
    text(3, 'attention'),
    text(4, operator.type),
    ...attributes,
    text(7, 'com.microsoft'),
  );
  const graph = join(bytes(1, node), text(2, 'graph'), ...inputs.map((v) => valueInfo(11, v)), ...outputs.map((v) => valueInfo(12, v)));
  const opset = (domain: string, version: number): Bytes => bytes(8, join(text(1, domain), integer(2, version)));
  // IR version 8, the standard operators of opset 18 (unused) and the domain of the operator.
  return Uint8Array.from(join(integer(1, 8), bytes(7, graph), opset('', 18), opset('com.microsoft', 1)));
}

export interface PeerSizes {
  readonly batch: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly n: number;
  readonly dim: number;
}

/** Causal attention over all heads; inputs q, k, v [batch, n, heads * dim]. */
export function multiHeadModel(s: PeerSizes): Uint8Array {
  const shape = [s.batch, s.n, s.heads * s.dim];
  const value = (name: string): Value => ({ name, element: 'f32', shape });
  return model(
    { type: 'MultiHeadAttention', inputs: ['q', 'k', 'v'], outputs: ['out'], attributes: { num_heads: s.heads, unidirectional: 1 } },
    [value('q'), value('k'), value('v')],
    [value('out')],
  );
}

/** Causal attention with shared key-value heads and, with `window`, only the last `window` keys (the query's own included). */
export function groupQueryModel(s: PeerSizes, window: number | undefined): Uint8Array {
  const kv = [s.batch, s.n, s.kvHeads * s.dim];
  const cache = [s.batch, s.kvHeads, s.n, s.dim];
  return model(
    {
      type: 'GroupQueryAttention',
      inputs: ['q', 'k', 'v', '', '', 'seqlens_k', 'total_sequence_length'],
      outputs: ['out', 'present_key', 'present_value'],
      attributes: { num_heads: s.heads, kv_num_heads: s.kvHeads, ...(window === undefined ? {} : { local_window_size: window }) },
    },
    [
      { name: 'q', element: 'f32', shape: [s.batch, s.n, s.heads * s.dim] },
      { name: 'k', element: 'f32', shape: kv },
      { name: 'v', element: 'f32', shape: kv },
      { name: 'seqlens_k', element: 'i32', shape: [s.batch] },
      { name: 'total_sequence_length', element: 'i32', shape: [1] },
    ],
    [
      { name: 'out', element: 'f32', shape: [s.batch, s.n, s.heads * s.dim] },
      { name: 'present_key', element: 'f32', shape: cache },
      { name: 'present_value', element: 'f32', shape: cache },
    ],
  );
}
