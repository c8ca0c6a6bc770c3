import { type Answers, type Dialogue, LineCutter, type Unit } from './dialogue.ts';

const verbs = /^(EHLO|HELO|AUTH|MAIL|RCPT|DATA|RSET|NOOP|QUIT|STARTTLS)\b/i;

const answers: Answers = {
  goodbye: () => '421 4.3.2 Going down\r\n',
  refusal: () => '451 4.3.0 Not now\r\n',
  loginLimit: () => '421 4.7.0 Too many connections\r\n',
  noSpace: () => '452 4.3.1 Insufficient system storage\r\n',
};

/** SMTP (RFC 5321) as far as commands, the message and their replies have to be told apart. */
export const createSmtpDialogue = (): Dialogue => {
  const client = new LineCutter();
  const server = new LineCutter();
  const pending: string[] = ['greeting'];
  let message: 'none' | 'expected' | 'begun' = 'none';
  let reply: Buffer[] = [];

  /** True once its end is there. */
  const readMessage = (units: Unit[]): boolean => {
    const all = client.takeAll();
    const first: Pick<Unit, 'step'> = message === 'expected' ? { step: { name: 'message', moment: 'before' } } : {};
    message = 'begun';
    const end = all.indexOf('\r\n.\r\n');
    if (end === -1) {
      // The end may be cut in two: as many bytes as it could have begun with wait for what follows.
      const kept = Math.min(4, all.length);
      const passed = all.subarray(0, all.length - kept);
      if (passed.length > 0 || first.step !== undefined) units.push({ bytes: passed, ...first });
      client.putBack(all.subarray(all.length - kept));
      return false;
    }
    units.push({ bytes: all.subarray(0, end + 2), ...first });
    units.push({ bytes: all.subarray(end + 2, end + 5), step: { name: 'dot', moment: 'before' } });
    message = 'none';
    pending.push('dot');
    client.putBack(all.subarray(end + 5));
    return true;
  };

  const fromClient = (chunk: Buffer): readonly Unit[] => {
    client.push(chunk);
    const units: Unit[] = [];
    for (;;) {
      if (message !== 'none' && !readMessage(units)) return units;
      const part = client.take();
      if (part === undefined) return units;
      const verb = verbs.exec(part.bytes.toString('latin1'))?.[1]?.toUpperCase();
      if (verb === undefined) {
        units.push({ bytes: part.bytes });
        continue;
      }
      pending.push(verb);
      units.push({ bytes: part.bytes, step: { name: verb, moment: 'before' } });
    }
  };

  const fromServer = (chunk: Buffer): readonly Unit[] => {
    server.push(chunk);
    const units: Unit[] = [];
    for (let part = server.take(); part !== undefined; part = server.take()) {
      reply.push(part.bytes);
      const line = part.bytes.toString('latin1');
      if (line[3] === '-') continue;
      const bytes = Buffer.concat(reply);
      reply = [];
      // A challenge of AUTH is followed by a line of the client, and not the end of the command.
      const name = line.startsWith('334') ? pending[0] : pending.shift();
      if (line.startsWith('354')) message = 'expected';
      units.push({ bytes, ...(name === undefined ? {} : { step: { name, moment: 'after' as const } }) });
    }
    return units;
  };

  return { answers, fromClient, fromServer };
};
