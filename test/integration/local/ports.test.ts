import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { choosePort } from '../../../local/ports.ts';

const variable = 'PORTS_TEST_PORT';

afterEach(() => {
  delete process.env[variable];
});

describe('the choice of a port', () => {
  it('is the one that is asked for', async () => {
    const free = await choosePort();
    process.env[variable] = String(free);
    expect(await choosePort(variable)).toBe(free);
  });

  it('says so when that one is taken, instead of taking another', async () => {
    const port = await choosePort();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    process.env[variable] = String(port);
    await expect(choosePort(variable)).rejects.toThrow(`${variable}=${port}: that port is taken`);
    await new Promise((resolve) => server.close(resolve));
  });

  it('is given to no other process before a server listens there', async () => {
    const port = await choosePort();
    const script = `
      import { choosePort } from ${JSON.stringify(join(import.meta.dirname, '../../../local/ports.ts'))};
      console.log(await choosePort(undefined, ${port}));`;

    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);

    expect(Number(stdout)).toBeGreaterThan(0);
    expect(Number(stdout)).not.toBe(port);
  });

  it.each(['0', '70000', 'http', '80a'])('is refused for %s', async (given) => {
    process.env[variable] = given;
    await expect(choosePort(variable)).rejects.toThrow(`${variable}=${given} is not a port number`);
  });
});
