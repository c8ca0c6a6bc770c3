import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { createServer as createPlainServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCertificates } from '../../../local/certificates.ts';
import { createRunDirectory } from '../../../local/paths.ts';
import { choosePort } from '../../../local/ports.ts';
import { detectServers } from '../../../shared/server-detection/detect-servers.ts';
import { createDialler } from '../../../shared/transport/dialler.ts';
import { createHostPolicy } from '../../../shared/transport/host-policy.ts';
import { createDialledFetch } from '../../../shared/transport/http/dialled-fetch.ts';
import { createNameService } from '../../../shared/transport/name-service.ts';
import { type NameServer, startNameServer, type Zone } from '../../support/name-server.ts';

const here = { A: ['127.0.0.1'] };
const zone: Zone = {
  // Publishes everything, in three ways.
  '_imaps._tcp.full.test': {
    SRV: [
      { target: 'backup.full.test', port: 993, priority: 20 },
      { target: 'imap.full.test', port: 9993, priority: 10, weight: 5 },
      { target: 'small.full.test', port: 993, priority: 10, weight: 1 },
    ],
  },
  '_pop3s._tcp.full.test': { SRV: [{ target: 'pop.full.test', port: 995 }] },
  '_submission._tcp.full.test': { SRV: [{ target: 'smtp.full.test', port: 587 }] },
  '_imap._tcp.full.test': { SRV: [{ target: '.', port: 0 }] },
  'full.test': { MX: ['mx.mail.protection.outlook.com'] },
  'autoconfig.full.test': here,
  'imap.full.test': here,
  'pop.full.test': here,
  'smtp.full.test': here,
  // Publishes autoconfig only.
  'well-known.test': here,
  'plain.test': here,
  'autoconfig.plain.test': here,
  'mail.plain.test': here,
  // Leads to where nobody may go.
  '_imaps._tcp.inside.test': { SRV: [{ target: 'imap.inside.test', port: 993 }] },
  '_submissions._tcp.inside.test': { SRV: [{ target: 'metadata.inside.test', port: 465 }] },
  'imap.inside.test': { A: ['10.1.2.3'] },
  'metadata.inside.test': { A: ['169.254.169.254'] },
  'autoconfig.inside.test': { A: ['169.254.169.254'] },
  'autoconfig.hostile.test': here,
  'workspace.test': { MX: ['alt1.aspmx.l.google.com', 'aspmx.l.google.com'] },
};

const document = (domain: string, more = '') => `<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="${domain}">
    <domain>${domain}</domain>
    <incomingServer type="pop3"><hostname>pop.${domain}</hostname><port>995</port><socketType>SSL</socketType>
      <username>%EMAILLOCALPART%</username><authentication>password-cleartext</authentication></incomingServer>
    <incomingServer type="imap"><hostname>mail.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType>
      <username>%EMAILADDRESS%</username><authentication>OAuth2</authentication>
      <authentication>password-cleartext</authentication></incomingServer>
    <outgoingServer type="smtp"><hostname>open.${domain}</hostname><port>25</port><socketType>plain</socketType>
      <authentication>none</authentication></outgoingServer>
    <outgoingServer type="smtp"><hostname>mail.${domain}</hostname><port>587</port><socketType>STARTTLS</socketType>
      <username>%EMAILADDRESS%</username><authentication>OAuth2</authentication></outgoingServer>
  </emailProvider>
  <oAuth2><issuer>login.${domain}</issuer><scope>mail</scope></oAuth2>${more}
</clientConfig>`;

let names: NameServer;
let stop: () => Promise<void>;
let requests: string[];
let pages: Record<string, string>;
let detect: (address: string, allowed?: readonly string[]) => ReturnType<typeof detectServers>;

beforeAll(async () => {
  names = await startNameServer(zone);
  const run = await createRunDirectory();
  const hosts = ['autoconfig.full.test', 'well-known.test', 'autoconfig.hostile.test'];
  const certificates = await createCertificates(join(run.path, 'certificates'), hosts);
  const serve =
    (scheme: string): RequestListener =>
    (request, response) => {
      const url = `${scheme}://${request.headers.host}${request.url}`;
      requests.push(url);
      const page = pages[url.replace(/\?.*/, '')];
      if (page?.startsWith('redirect ')) response.writeHead(302, { location: page.slice(9) }).end();
      else if (page === 'silence') return;
      else response.writeHead(page === undefined ? 404 : 200).end(page ?? '');
    };
  const secure = createSecureServer(
    { key: await readFile(certificates.keyFile), cert: await readFile(certificates.certificateFile) },
    serve('https'),
  );
  const plain = createPlainServer(serve('http'));
  const ports = { secure: await choosePort(), plain: await choosePort() };
  await new Promise<void>((resolve) => secure.listen(ports.secure, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => plain.listen(ports.plain, '127.0.0.1', resolve));
  const resolver = new Resolver();
  resolver.setServers([names.address]);
  detect = (address, allowed = ['127.0.0.0/8']) => {
    const dialler = createDialler(createHostPolicy(allowed), (host) => resolver.resolve4(host));
    const fetch = createDialledFetch({
      dialler,
      caCertificates: certificates.authority,
      timeoutSeconds: 3,
      limitBytes: 64 * 1024,
      ports,
    });
    return detectServers({ names: createNameService([names.address]), dialler, fetch }, address);
  };
  stop = async () => {
    for (const server of [secure, plain]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    await names.stop();
    await run.remove();
  };
});

afterAll(async () => {
  await stop?.();
});

beforeEach(() => {
  requests = [];
  pages = {};
});

describe('server detection', () => {
  it('suggests what the DNS names, then autoconfig, then what is known of the provider', async () => {
    pages['https://autoconfig.full.test/mail/config-v1.1.xml'] = document('full.test');

    const found = await detect('anna@Full.test');

    expect(found.map(({ source, kind, incoming, outgoing }) => [source, kind, incoming.host, outgoing.host])).toEqual([
      ['srv', 'imapSmtp', 'imap.full.test', 'smtp.full.test'],
      ['srv', 'pop3Smtp', 'pop.full.test', 'smtp.full.test'],
      ['autoconfig', 'imapSmtp', 'mail.full.test', 'mail.full.test'],
      ['autoconfig', 'pop3Smtp', 'pop.full.test', 'mail.full.test'],
      ['preset', 'imapSmtp', 'outlook.office365.com', 'smtp.office365.com'],
    ]);
    expect(found[0]).toMatchObject({
      incoming: { protocol: 'imap', port: 9993, security: 'tls' },
      outgoing: { protocol: 'smtp', port: 587, security: 'startTls' },
      credentials: { source: 'mailbox', authentication: 'password' },
      username: 'anna@Full.test',
    });
    expect(found[2]).toMatchObject({ credentials: { authentication: 'oauth2', issuer: 'https://login.full.test' } });
    expect(found[3]).toMatchObject({ credentials: { authentication: 'password' }, username: 'anna' });
    expect(found[4]).toMatchObject({ credentials: { authentication: 'oauth2', tenantId: 'full.test' } });
    expect(requests).toContain('https://autoconfig.full.test/mail/config-v1.1.xml?emailaddress=anna%40Full.test');
    expect(requests.filter((url) => url.startsWith('http:'))).toEqual([]);
  });

  it('knows Google by who takes the mail of a domain', async () => {
    expect(await detect('anna@workspace.test')).toMatchObject([
      { source: 'preset', kind: 'gmail', incoming: { host: 'imap.gmail.com' }, outgoing: { host: 'smtp.gmail.com' } },
    ]);
  });

  it('finds autoconfig at the domain itself', async () => {
    pages['https://well-known.test/.well-known/autoconfig/mail/config-v1.1.xml'] = document('well-known.test');

    expect((await detect('anna@well-known.test')).map(({ source }) => source)).toEqual(['autoconfig', 'autoconfig']);
  });

  it('asks over an unprotected connection only when nothing else answers, and says so', async () => {
    pages['http://autoconfig.plain.test/mail/config-v1.1.xml'] = document('plain.test');

    const [suggestion] = await detect('anna@plain.test');

    expect(suggestion).toMatchObject({ source: 'autoconfig', detail: expect.stringContaining('unprotected') });
  });

  it('suggests nothing to which the deployment may not connect, and asks nobody there', async () => {
    pages['https://autoconfig.full.test/mail/config-v1.1.xml'] = document('full.test').replaceAll(
      /<hostname>mail[^<]*/g,
      '<hostname>10.0.0.7',
    );

    expect(await detect('anna@inside.test')).toEqual([]);
    expect((await detect('anna@full.test')).filter(({ source }) => source === 'autoconfig')).toEqual([]);
    expect(requests.some((url) => url.includes('inside'))).toBe(false);
    expect(await detect('anna@well-known.test', [])).toEqual([]);
  });

  it.each([
    [
      'entities',
      `<!DOCTYPE x [<!ENTITY h "mail.hostile.test">]>${document('hostile.test').replaceAll('mail.', '&h;')}`,
    ],
    ['a document that is none', '<html><body>Not here</body></html>'],
    ['broken XML', document('hostile.test').slice(0, 400)],
    ['more than 64 KB', document('hostile.test', `<!--${'x'.repeat(70_000)}-->`)],
    ['a redirect', 'redirect https://autoconfig.full.test/mail/config-v1.1.xml'],
    ['silence', 'silence'],
    ['host names that are none', document('hostile.test').replaceAll(/<hostname>[^<]*/g, '<hostname>a b;c')],
    ['deep nesting', `${'<a>'.repeat(5_000)}`],
  ])('is not led astray by %s', async (_, page) => {
    pages['https://autoconfig.hostile.test/mail/config-v1.1.xml'] = page;
    pages['https://autoconfig.full.test/mail/config-v1.1.xml'] = document('full.test');
    const begun = Date.now();

    expect(await detect('anna@hostile.test')).toEqual([]);
    expect(Date.now() - begun).toBeLessThan(10_000);
  });

  it('has nothing to say of an address without a domain name', async () => {
    expect(await detect('anna@[127.0.0.1]')).toEqual([]);
  });
});
