/** Does some work and returns what it wrote to standard output and standard error, which is a function's log. */
export const captureOutput = async (work: () => Promise<unknown>): Promise<string> => {
  const streams = [process.stdout, process.stderr];
  const writes = streams.map((stream) => stream.write);
  let text = '';
  for (const stream of streams)
    stream.write = (chunk: string | Uint8Array): boolean => {
      text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
      return true;
    };
  try {
    await work();
  } finally {
    for (const [index, stream] of streams.entries()) stream.write = writes[index] as typeof stream.write;
  }
  return text;
};
