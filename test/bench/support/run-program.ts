import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Runs a program to its end; returns the seconds that it took. @throws Error that names the package when it is not there. */
export const runProgram = async (
  file: string,
  args: readonly string[],
  { debianPackage, cwd }: { readonly debianPackage: string; readonly cwd?: string },
): Promise<number> => {
  const began = performance.now();
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'], ...(cwd === undefined ? {} : { cwd }) });
  const output: Buffer[] = [];
  child.stderr.on('data', (piece: Buffer) => output.push(piece));
  try {
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`${file} ended with ${code}: ${Buffer.concat(output).toString().slice(-2000)}`);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new Error(`The benchmark needs ${file}: apt-get install ${debianPackage}`);
    throw error;
  }
  return (performance.now() - began) / 1000;
};
