import { type Answers, type Dialogue, LineCutter, type Unit } from './dialogue.ts';

/** What a server says of its folders, changed on the way. */
export interface FolderIdentity {
  /** Added to every UIDVALIDITY. */
  shift: number;
  /** Answers that are still to tell a UIDNEXT of 1. */
  forgotten: number;
}

interface PendingCommand {
  readonly tag: string;
  readonly name: string;
  begun: boolean;
}

const literal = /\{(\d+)\+?\}\r?\n$/;

const nameCommand = (line: string): string => {
  const [, first = '', second = ''] = line.split(' ');
  const command = first.trim().toUpperCase();
  const verb = command === 'UID' ? `UID ${second.trim().toUpperCase()}` : command;
  if (!verb.endsWith('FETCH')) return verb;
  if (/BODY\.PEEK\[HEADER/i.test(line)) return `${verb} headers`;
  return /BODY\.PEEK\[/i.test(line) ? `${verb} messages` : `${verb} flags`;
};

const answers: Answers = {
  goodbye: () => '* BYE Server is going down\r\n',
  refusal: (tag) => `${tag ?? '*'} NO [UNAVAILABLE] Not now\r\n`,
  loginLimit: (tag) => `${tag ?? '*'} NO [LIMIT] Too many connections\r\n`,
  noSpace: (tag) => `${tag ?? '*'} NO [OVERQUOTA] No space left\r\n`,
};

/** IMAP (RFC 3501) as far as commands and their answers have to be told apart. */
export const createImapDialogue = (identity: FolderIdentity): Dialogue => {
  const client = new LineCutter();
  const server = new LineCutter();
  const pending: PendingCommand[] = [];
  let current: PendingCommand | undefined;
  let inLiteral = false;
  let greeted = false;
  let inAnswer = false;

  const readCommand = (bytes: Buffer): Unit => {
    const line = bytes.toString('latin1');
    const size = literal.exec(line)?.[1];
    if (size !== undefined) client.expectRaw(Number(size));
    if (current !== undefined) {
      const { tag } = current;
      if (size === undefined) current = undefined;
      return { bytes, tag };
    }
    // What follows a challenge has no tag.
    if (!/^\S+ \S/.test(line))
      return { bytes, step: { name: `${pending.at(-1)?.name ?? ''} response`, moment: 'before' } };
    const command = { tag: line.split(' ', 1)[0] ?? '', name: nameCommand(line), begun: false };
    pending.push(command);
    if (size !== undefined) current = command;
    inLiteral = false;
    return { bytes, tag: command.tag, step: { name: command.name, moment: 'before' } };
  };

  const readLiteral = (bytes: Buffer): Unit => {
    const first = !inLiteral;
    inLiteral = true;
    const { tag = '', name = '' } = current ?? {};
    return { bytes, tag, ...(first ? { step: { name: `${name} literal`, moment: 'during' as const } } : {}) };
  };

  const rewrite = (line: string): string => {
    let text = line;
    if (identity.shift !== 0)
      text = text.replace(/(UIDVALIDITY )(\d+)/, (_, name, value) => `${name}${Number(value) + identity.shift}`);
    if (identity.forgotten > 0 && /^\* STATUS/.test(text)) {
      identity.forgotten -= 1;
      text = text.replace(/UIDNEXT \d+/, 'UIDNEXT 1');
    }
    return text;
  };

  const readAnswer = (raw: Buffer): Unit => {
    const line = raw.toString('latin1');
    const size = literal.exec(line)?.[1];
    const goesOn = inAnswer;
    inAnswer = size !== undefined;
    if (size !== undefined) server.expectRaw(Number(size));
    if (goesOn) return { bytes: raw };
    const bytes = /UIDVALIDITY|UIDNEXT/.test(line) ? Buffer.from(rewrite(line), 'latin1') : raw;
    if (!greeted) {
      greeted = true;
      return { bytes, step: { name: 'greeting', moment: 'after' } };
    }
    const tag = line.split(' ', 1)[0];
    const done = pending.findIndex((command) => command.tag === tag);
    if (done !== -1) {
      const [command] = pending.splice(done, 1);
      return { bytes, tag: command?.tag ?? '', step: { name: command?.name ?? '', moment: 'after' } };
    }
    const [first] = pending;
    if (first === undefined || first.begun) return { bytes };
    first.begun = true;
    return { bytes, tag: first.tag, step: { name: first.name, moment: 'during' } };
  };

  const cut = (cutter: LineCutter, chunk: Buffer, line: (bytes: Buffer) => Unit, raw: (bytes: Buffer) => Unit) => {
    cutter.push(chunk);
    const units: Unit[] = [];
    for (let part = cutter.take(); part !== undefined; part = cutter.take())
      units.push(part.kind === 'line' ? line(part.bytes) : raw(part.bytes));
    return units;
  };

  return {
    answers,
    fromClient: (chunk) => cut(client, chunk, readCommand, readLiteral),
    fromServer: (chunk) => cut(server, chunk, readAnswer, (bytes) => ({ bytes })),
  };
};
