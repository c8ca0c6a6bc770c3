import { access, chmod, constants, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { childEnvironment } from './child-environment.ts';
import { runGuarded } from './guarded-process.ts';
import { checkoutDirectory } from './paths.ts';
import type { Progress } from './progress.ts';

/** What the machine must have, and the Debian packages that bring it. */
type Requirement = {
  readonly name: string;
  readonly packages: readonly string[];
  /** A shell test that succeeds when it is there. */
  readonly test: string;
};

const dovecotDirectory = '/usr/lib/dovecot';

const requirements: readonly Requirement[] = [
  {
    name: 'Python 3.10 or newer with venv',
    packages: ['python3', 'python3-venv'],
    test: `python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'`,
  },
  { name: 'OpenSSL', packages: ['openssl'], test: 'command -v openssl' },
  {
    name: 'Dovecot with IMAP, POP3, LMTP and submission',
    packages: ['dovecot-imapd', 'dovecot-pop3d', 'dovecot-lmtpd', 'dovecot-submissiond'],
    test: `command -v dovecot && test -x ${dovecotDirectory}/imap && test -x ${dovecotDirectory}/pop3 && test -x ${dovecotDirectory}/lmtp && test -x ${dovecotDirectory}/submission`,
  },
  { name: 'Postfix', packages: ['postfix'], test: 'command -v postfix && test -x /usr/lib/postfix/sbin/master' },
];

// Postfix's master refuses every other user than root, if only that of a user namespace.
const namespaceRequirement: Requirement = {
  name: 'user namespaces (or be root), for Postfix',
  packages: ['uidmap'],
  test: 'unshare --map-root-user --map-auto true',
};

/** True when this process is root. */
export const isRoot = (): boolean => process.getuid?.() === 0;

const shell = (name: string, script: string, logFile: string, signal?: AbortSignal): Promise<void> =>
  runGuarded(
    {
      name,
      file: '/bin/sh',
      args: ['-c', script],
      environment: childEnvironment({ DEBIAN_FRONTEND: 'noninteractive' }),
      workingDirectory: checkoutDirectory,
      logFile,
    },
    signal,
  );

const succeeds = async (test: string, logFile: string): Promise<boolean> => {
  try {
    await shell('check', test, logFile);
    return true;
  } catch {
    return false;
  }
};

const findMissing = async (logFile: string): Promise<readonly Requirement[]> => {
  const missing: Requirement[] = [];
  for (const requirement of isRoot() ? requirements : [...requirements, namespaceRequirement]) {
    if (!(await succeeds(requirement.test, logFile))) missing.push(requirement);
  }
  return missing;
};

const policyFile = '/usr/sbin/policy-rc.d';

// Debian starts a server when its package is installed, unless this file says no. One that is there already is kept.
const withoutStartingServices = async (install: () => Promise<void>): Promise<void> => {
  const hasPolicy = await access(policyFile, constants.F_OK).then(
    () => true,
    () => false,
  );
  if (hasPolicy) return await install();
  await writeFile(policyFile, '#!/bin/sh\nexit 101\n');
  await chmod(policyFile, 0o755);
  try {
    await install();
  } finally {
    await rm(policyFile, { force: true });
  }
};

const installScript = (packages: readonly string[]): string => `set -e
echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
apt-get -o DPkg::Lock::Timeout=300 update
apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends ${packages.join(' ')}`;

const describe = (missing: readonly Requirement[]): string =>
  missing.map(({ name, packages }) => `  ${name}: ${packages.join(' ')}`).join('\n');

/**
 * Sees to it that Python, OpenSSL, Dovecot and Postfix are there, and installs them where root and apt allow.
 * @throws Error that names the packages when something is missing and cannot be installed.
 */
export const ensurePrerequisites = async (
  runDirectory: string,
  progress: Progress,
  signal?: AbortSignal,
): Promise<void> => {
  const logFile = join(runDirectory, 'prerequisites.log');
  const missing = await findMissing(logFile);
  if (missing.length === 0) return;
  const packages = missing.flatMap((requirement) => requirement.packages);
  const byHand = `Install by hand: apt-get install ${packages.join(' ')}`;
  if (!isRoot() || !(await succeeds('command -v apt-get', logFile))) {
    throw new Error(`This machine lacks:\n${describe(missing)}\nOnly root can install, by apt. ${byHand}`);
  }
  await progress.step(`Install ${packages.join(', ')}`, () =>
    withoutStartingServices(() => shell('apt-get', installScript(packages), logFile, signal)),
  );
  const still = await findMissing(logFile);
  if (still.length > 0) throw new Error(`Still missing after installation:\n${describe(still)}\n${byHand}`);
};
