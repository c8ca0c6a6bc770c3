import { access, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  type LocalEnvironment,
  removeEnvironment,
  removeOutdated,
  writeEnvironment,
} from '../../../local/environment.ts';

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'environment-'));
  file = join(directory, 'environment.json');
});

afterEach(() => rm(directory, { recursive: true }));

const isThere = (): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

const cloud = (hubUrl: string, operatorKey = 'mso_one') => ({ hubUrl, operatorKey }) as LocalEnvironment;

it('goes when the hub that it tells of does not answer any more', async () => {
  const server = createServer((_, response) => response.end('{"status":"ok"}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const hubUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await writeEnvironment(file, cloud(hubUrl));

  expect(await removeOutdated(file)).toBe(hubUrl);
  expect(await isThere()).toBe(true);
  await new Promise((resolve) => server.close(resolve));
  expect(await removeOutdated(file)).toBeUndefined();
  expect(await isThere()).toBe(false);
  expect(await removeOutdated(file)).toBeUndefined();
});

it('goes with the cloud that it tells of, and not with another', async () => {
  await writeEnvironment(file, cloud('http://127.0.0.1:1'));

  await removeEnvironment(file, cloud('http://127.0.0.1:1', 'mso_two'));
  expect(await isThere()).toBe(true);
  await removeEnvironment(file, cloud('http://127.0.0.1:1'));
  expect(await isThere()).toBe(false);
});
