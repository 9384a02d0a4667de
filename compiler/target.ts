/**
 * Capability records: what a machine can do, as data. Schedules and verifiers ask the record; printers never do.
 * The values live in backends/targets.ts, or are filled from a device at run time.
 */
import type { MatrixElement } from './kernel/ir.ts';

export interface TargetRecord {
  readonly name: string;
  readonly language: 'wgsl' | 'cuda';
  /** A driver that runs on the CPU: memory instructions dominate, few lanes a workgroup are best. */
  readonly software: boolean;
  readonly maxWorkgroupSize: number;
  /** Bytes of workgroup memory a kernel may declare. */
  readonly workgroupBytes: number;
  readonly maxWorkgroupsPerAxis: number;
  readonly maxStorageBuffers: number;
  /** Bytes one storage binding may span. */
  readonly maxBindingBytes: number;
  readonly maxBufferBytes: number;
  /** Smallest and largest subgroup a dispatch may see; absent: no subgroup operations. */
  readonly subgroups?: { readonly min: number; readonly max: number };
  /** f16 as a storage element. Without it f16 tensors are read as packed pairs. */
  readonly f16: boolean;
  /** bf16 as a storage element; the same holds. */
  readonly bf16?: boolean;
  readonly dot4: boolean;
  /**
   * Numbers that subgroups of 32 lanes multiply as 16 x 16 by 16 x 8 fragments (f32 rounded to tf32: 16 x 8 by 8 x 8); with it go copies in the
   * background. Absent: none.
   */
  readonly matrix?: readonly MatrixElement[];
  /** Both sides of a branch are executed, under masks. */
  readonly masksBranches?: boolean;
}
