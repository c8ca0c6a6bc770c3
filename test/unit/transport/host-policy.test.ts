import { describe, expect, it } from 'vitest';
import { createDialler } from '../../../shared/transport/dialler.ts';
import { createHostPolicy } from '../../../shared/transport/host-policy.ts';

const publicAddresses = ['8.8.8.8', '198.41.0.4', '2a00:1450:4001:80b::200e'];
const privateAddresses = [
  '127.0.0.1',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '100.64.0.1',
  '::1',
  'fd12:3456::1',
  '::ffff:10.0.0.1',
  '::127.0.0.1',
  '::7f00:1',
  '::a9fe:a9fe',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '4000::1',
  '224.0.0.1',
  '255.255.255.255',
];
const neverAllowed = [
  '169.254.169.254',
  '169.254.0.1',
  '::ffff:169.254.169.254',
  'fe80::1',
  'fd00:ec2::254',
  '0.0.0.0',
  '::',
];

describe('the host policy', () => {
  it('allows public addresses and no others', () => {
    const policy = createHostPolicy([]);

    for (const address of publicAddresses) expect([address, policy.allows(address)]).toEqual([address, true]);
    for (const address of [...privateAddresses, ...neverAllowed])
      expect([address, policy.allows(address)]).toEqual([address, false]);
  });

  it('opens the ranges that the operator allows, but link-local and metadata addresses never', () => {
    const policy = createHostPolicy(['0.0.0.0/0', '::/0']);

    for (const address of [...publicAddresses, ...privateAddresses])
      expect([address, policy.allows(address)]).toEqual([address, true]);
    for (const address of neverAllowed) expect([address, policy.allows(address)]).toEqual([address, false]);
  });

  it('opens one range and not its neighbours', () => {
    const policy = createHostPolicy(['10.1.0.0/16']);

    expect(policy.allows('10.1.255.255')).toBe(true);
    expect(policy.allows('10.2.0.0')).toBe(false);
    expect(policy.allows('no address')).toBe(false);
  });

  it('tells what the operator opened from what is public anyhow', () => {
    const policy = createHostPolicy(['10.1.0.0/16', '169.254.0.0/16']);

    expect(policy.opens('10.1.2.3')).toBe(true);
    for (const address of ['10.2.0.1', '93.184.215.14', '169.254.169.254', 'no address'])
      expect([address, policy.opens(address)]).toEqual([address, false]);
  });
});

describe('the dialler', () => {
  it('looks at what a name stands for at each connection', async () => {
    const closed = createDialler(createHostPolicy([]));
    const open = createDialler(createHostPolicy(['127.0.0.0/8', '::1/128']));

    for (const host of ['localhost', '127.0.0.1', '::1', '127.1', '2130706433'])
      await expect(closed.resolve(host, 5)).rejects.toMatchObject({
        fault: { code: 'hostNotAllowed' },
        class: 'permanent',
        level: 'profile',
      });
    expect(await open.resolve('localhost', 5)).toMatchObject({ serverName: 'localhost' });
  });

  it('comes upon each address of a name, so that one machine that is down is not met for ever', async () => {
    const addresses = ['2001:db8::1', '93.184.215.14', '2001:db8::2', '93.184.215.15'];
    const at = async (random: number, names = addresses) =>
      (
        await createDialler(
          createHostPolicy(['2001:db8::/32']),
          async () => names,
          () => random,
        ).resolve('imap.example', 5)
      ).address;

    expect([await at(0), await at(0.49), await at(0.5), await at(0.999)]).toEqual([
      '93.184.215.14',
      '93.184.215.14',
      '93.184.215.15',
      '93.184.215.15',
    ]);
    expect(await at(0.999, ['2001:db8::1', '2001:db8::2'])).toBe('2001:db8::2');
  });

  it('refuses a name that stands for one refused address among others, whichever would be taken', async () => {
    const dialler = createDialler(
      createHostPolicy([]),
      async () => ['93.184.215.14', '10.0.0.1'],
      () => 0,
    );

    await expect(dialler.resolve('imap.example', 5)).rejects.toMatchObject({ fault: { code: 'hostNotAllowed' } });
  });
});
