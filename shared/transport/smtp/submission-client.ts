import SMTPConnection from 'nodemailer/lib/smtp-connection';

interface CommandSender {
  _sendCommand(this: SMTPConnection, command: string, shown?: string): void;
}

const library = SMTPConnection.prototype as unknown as CommandSender;

/** The command with SMTPUTF8, which the library names first where it asks for it. */
const withInternationalHeader = (command: string): string =>
  command.replace(/^(MAIL FROM:<[^>]*>)(?! SMTPUTF8\b)/, '$1 SMTPUTF8');

/**
 * The library asks for SMTPUTF8 where an address of the envelope needs it, and knows nothing of the header of the
 * message, for which RFC 6531 section 3.6 wants it, too. It has no option for that.
 */
export class SubmissionClient extends SMTPConnection {
  /** Of the message that is sent next. Only for servers that offer SMTPUTF8. */
  internationalHeader = false;

  _sendCommand(command: string, shown?: string): void {
    library._sendCommand.call(this, this.internationalHeader ? withInternationalHeader(command) : command, shown);
  }
}
