/**
 * What of a file is sent to be looked at: all of a small one, the head of a large one, so that a preview is
 * there at once. The head ends with a whole line, so that it decodes as the file does.
 */
export const HEAD_BYTES = 2 * 1024 * 1024;
const NEWLINE = 0x0a;

export async function headOf(file: File, most = HEAD_BYTES): Promise<File> {
  if (file.size <= most) return file;
  const bytes = new Uint8Array(await file.slice(0, most).arrayBuffer());
  const end = wholeLines(bytes);
  return new File([bytes.subarray(0, end)], file.name, { type: file.type });
}

/** Where the last whole line ends; everything if there is none. */
export function wholeLines(bytes: Uint8Array): number {
  const last = bytes.lastIndexOf(NEWLINE);
  if (last < 0) return bytes.length;
  const isLittleEndian16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  return last + (isLittleEndian16 ? 2 : 1);
}
