/** Whether a relative path, its steps between slashes, leads to something within the folder it starts from, on every system. */
export function staysInside(path: string): boolean {
  if (/[\\:\0]/.test(path)) return false;
  return path.split('/').every(step => step !== '' && step !== '.' && step !== '..');
}
