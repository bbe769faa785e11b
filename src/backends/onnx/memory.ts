const OVERHEAD_BYTES = 512 * 1024;

/**
 * Rough memory of a session, bytes: what the process grew by while it loaded, held between 2 and 10 times the file, since others
 * allocate meanwhile. (Measured: a 9.9 MB network grew it by 13 MB, a 12.6 MB forest by 94 MB.)
 */
export function estimateMemory(fileBytes: number, grownBytes: number): number {
  return Math.max(2 * fileBytes, Math.min(grownBytes, 10 * fileBytes)) + OVERHEAD_BYTES;
}
