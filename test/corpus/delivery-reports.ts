import { buildMessage, buildMultipart } from './messages.ts';

/** The message that the samples are about. */
export const reportedMessageId = '<eml_01M0REPORTED@contoso.example>';
export const reportedRecipient = 'carl@client.example';

type Headers = Readonly<Record<string, string>>;

const returnedHeader = [
  'Return-Path: <anna@contoso.example>',
  'Received: from [127.0.0.1] by smtp.contoso.example; Fri, 20 Nov 2026 12:09:50 +0000',
  'From: Anna <anna@contoso.example>',
  `To: Carl <${reportedRecipient}>`,
  'Subject: Our offer CRM:0017001',
  `Message-ID: ${reportedMessageId}`,
  'References: <earlier@contoso.example>',
  'Date: Fri, 20 Nov 2026 12:09:50 +0000',
  'MIME-Version: 1.0',
].join('\n');

const part = (contentType: string, content: string, more: readonly string[] = []): string =>
  `Content-Type: ${contentType}\r\n${more.map((line) => `${line}\r\n`).join('')}\r\n${content.replaceAll('\n', '\r\n')}`;

const daemon: Headers = {
  'Return-Path': '<>',
  From: 'Mail Delivery System <MAILER-DAEMON@mx.client.example>',
  To: 'anna@contoso.example',
  Subject: 'Undelivered Mail Returned to Sender',
  Date: 'Fri, 20 Nov 2026 12:10:10 +0000',
  'Message-ID': '<bounce.1@mx.client.example>',
};

/** A multipart/report of RFC 3464. */
export const deliveryStatusReport = (
  status: string,
  options: {
    readonly headers?: Headers;
    readonly statusType?: string;
    readonly statusHeaders?: readonly string[];
    readonly reportType?: string;
    readonly returned?: string | undefined;
  } = {},
): Buffer => {
  const { headers = {}, statusType = 'message/delivery-status', reportType = 'delivery-status' } = options;
  const returned = 'returned' in options ? options.returned : part('text/rfc822-headers', returnedHeader);
  const { contentType, body } = buildMultipart('report', [
    part('text/plain; charset=us-ascii', 'This is the mail system at host mx.client.example.\n\nSorry.'),
    part(statusType, status, options.statusHeaders),
    ...(returned === undefined ? [] : [returned]),
  ]);
  return buildMessage(
    { ...daemon, 'Content-Type': `${contentType}; report-type=${reportType}`, 'MIME-Version': '1.0', ...headers },
    body,
  );
};

const text = (headers: Headers, body: string): Buffer => buildMessage({ ...daemon, ...headers }, body);

export interface ReportSample {
  readonly title: string;
  readonly raw: Buffer;
  readonly outcome: string;
  /** The beginning of what the report gives as the reason. */
  readonly answer?: string;
}

const perMessage = 'Reporting-MTA: dns; mx.client.example\nArrival-Date: Fri, 20 Nov 2026 12:09:58 +0000';

/** Reports on the message above, each of which names its recipient. */
export const deliveryReports = (): readonly ReportSample[] => [
  {
    title: 'Postfix',
    outcome: 'failed',
    answer: '550 5.1.1 <carl@client.example>: Recipient address rejected',
    raw: deliveryStatusReport(
      `${perMessage}\nX-Postfix-Queue-ID: 4XyZ\nX-Postfix-Sender: rfc822; anna@contoso.example\n\nFinal-Recipient: rfc822; ${reportedRecipient}\nOriginal-Recipient: rfc822;${reportedRecipient}\nAction: failed\nStatus: 5.1.1\nRemote-MTA: dns; mx.client.example\nDiagnostic-Code: smtp; 550 5.1.1 <carl@client.example>: Recipient address\n    rejected: User unknown in virtual mailbox table`,
    ),
  },
  {
    title: 'Exchange Online, whose report returns the whole message',
    outcome: 'failed',
    answer: '550 5.1.10 RESOLVER.ADR.RecipientNotFound',
    raw: deliveryStatusReport(
      `Reporting-MTA: dns;AM0PR01MB1234.eurprd01.prod.exchangelabs.com\nReceived-From-MTA: dns;smtp.contoso.example\nArrival-Date: Fri, 20 Nov 2026 12:09:58 +0000\n\nFinal-Recipient: rfc822;${reportedRecipient}\nAction: failed\nStatus: 5.1.10\nDiagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup\nX-Display-Name: Carl`,
      {
        headers: {
          From: 'postmaster@client.example',
          Subject: 'Unzustellbar: Our offer CRM:0017001',
          'Auto-Submitted': 'auto-replied',
          'In-Reply-To': reportedMessageId,
        },
        returned: part('message/rfc822', `${returnedHeader}\n\nDear Carl…`),
      },
    ),
  },
  {
    title: 'Gmail',
    outcome: 'failed',
    answer: '550-5.1.1 The email account that you tried to reach does not exist',
    raw: deliveryStatusReport(
      `Reporting-MTA: dns; googlemail.com\nArrival-Date: Fri, 20 Nov 2026 04:09:58 -0800 (PST)\nX-Original-Message-ID: ${reportedMessageId}\n\nFinal-Recipient: rfc822; ${reportedRecipient}\nAction: failed\nStatus: 5.1.1\nRemote-MTA: dns; mx.client.example. (192.0.2.7, the server for the domain client.example.)\nDiagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist.\nLast-Attempt-Date: Fri, 20 Nov 2026 04:10:00 -0800 (PST)`,
      {
        headers: {
          From: 'Mail Delivery Subsystem <mailer-daemon@googlemail.com>',
          Subject: 'Delivery Status Notification (Failure)',
          'X-Failed-Recipients': reportedRecipient,
          'In-Reply-To': reportedMessageId,
          References: `<earlier@contoso.example> ${reportedMessageId}`,
        },
        returned: part('message/rfc822', `${returnedHeader}\n\nDear Carl…`),
      },
    ),
  },
  {
    title: 'a server that gave up after days (4.4.7, Action: failed)',
    outcome: 'failed',
    answer: '4.4.7 delivery time expired',
    raw: deliveryStatusReport(
      `${perMessage}\n\nFinal-Recipient: RFC822; <${reportedRecipient}>\nAction: Failed\nStatus: 4.4.7 (delivery time expired)\nDiagnostic-Code: smtp; 4.4.7 delivery time expired`,
    ),
  },
  {
    title: 'a server that goes on trying (Action: delayed)',
    outcome: 'delayed',
    answer: '4.4.1 connect to mx.client.example: Connection timed out',
    raw: deliveryStatusReport(
      `${perMessage}\n\nFinal-Recipient: rfc822; ${reportedRecipient}\nAction: delayed\nStatus: 4.4.1\nDiagnostic-Code: X-Postfix; connect to mx.client.example: Connection timed out\nWill-Retry-Until: Wed, 25 Nov 2026 12:09:58 +0000`,
      { headers: { Subject: 'Delayed Mail (still being retried)' } },
    ),
  },
  {
    title: 'a relay that gives no notices (Action: relayed)',
    outcome: 'relayed',
    raw: deliveryStatusReport(
      `${perMessage}\n\nFinal-Recipient: rfc822;${reportedRecipient}\nAction: relayed (to non-DSN-aware mailer)\nStatus: 2.0.0`,
    ),
  },
  {
    title: 'a list (Action: expanded)',
    outcome: 'expanded',
    raw: deliveryStatusReport(
      `${perMessage}\n\nFinal-Recipient: rfc822;${reportedRecipient}\nAction: expanded (to multi-recipient alias)\nStatus: 2.0.0`,
    ),
  },
  {
    title: 'a delivery receipt (Action: delivered)',
    outcome: 'delivered',
    raw: deliveryStatusReport(
      `Original-Envelope-Id: eml_01M0REPORTED\n${perMessage}\n\nFinal-Recipient: rfc822; ${reportedRecipient}\nAction: delivered\nStatus: 2.1.5`,
    ),
  },
  {
    title: 'a forwarding server, which names the address that was written to in Original-Recipient only',
    outcome: 'failed',
    answer: '5.2.2 mailbox full',
    raw: deliveryStatusReport(
      `${perMessage}\n\nOriginal-Recipient: rfc822;carl+40client.example\nFinal-Recipient: rfc822;c.client@elsewhere.example\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; mailbox full`,
    ),
  },
  {
    title: 'a server that leaves Action out',
    outcome: 'failed',
    raw: deliveryStatusReport(`${perMessage}\n\nFinal-Recipient: rfc822; ${reportedRecipient}\nStatus: 5.0.0`),
  },
  {
    title: 'an internationalized report (RFC 6533), in base64',
    outcome: 'failed',
    answer: '5.1.1 unbekannter Empfänger',
    raw: deliveryStatusReport(
      Buffer.from(
        `${perMessage}\r\n\r\nFinal-Recipient: utf-8; ${reportedRecipient}\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; unbekannter Empfänger\r\n`,
      ).toString('base64'),
      {
        statusType: 'message/global-delivery-status',
        statusHeaders: ['Content-Transfer-Encoding: base64'],
        returned: part('message/global-headers', returnedHeader),
      },
    ),
  },
  {
    title: 'a server that says multipart/report without report-type, in lines that end with LF',
    outcome: 'failed',
    raw: Buffer.from(
      deliveryStatusReport(
        `${perMessage}\n\nFinal-Recipient: rfc822; ${reportedRecipient}\nAction: failed\nStatus: 5.1.1`,
      )
        .toString()
        .replace('; report-type=delivery-status', '')
        .replaceAll('\r\n', '\n'),
    ),
  },
  {
    title: 'a server that returns nothing of the message and answers it',
    outcome: 'failed',
    raw: deliveryStatusReport(
      `${perMessage}\n\nFinal-Recipient: rfc822; ${reportedRecipient}\nAction: failed\nStatus: 5.1.1`,
      { headers: { 'In-Reply-To': reportedMessageId }, returned: undefined },
    ),
  },
  {
    title: 'a report that was cut off within the returned message',
    outcome: 'failed',
    raw: (() => {
      const whole = deliveryStatusReport(
        `${perMessage}\n\nFinal-Recipient: rfc822; ${reportedRecipient}\nAction: failed\nStatus: 5.1.1`,
        { returned: part('message/rfc822', `${returnedHeader}\n\n${'Dear Carl\n'.repeat(50_000)}`) },
      );
      return whole.subarray(0, 200_000);
    })(),
  },
  {
    title: 'qmail',
    outcome: 'failed',
    answer: 'Sorry, no mailbox here by that name. (#5.1.1)',
    raw: text(
      { Subject: 'failure notice', From: 'MAILER-DAEMON@mx.client.example' },
      `Hi. This is the qmail-send program at mx.client.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<${reportedRecipient}>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\n${returnedHeader}\n\nDear Carl,\n\n<other@client.example>:\nthis is text of the message itself\n`,
    ),
  },
  {
    title: 'Exim',
    outcome: 'failed',
    answer: 'host mx.client.example [192.0.2.7] SMTP error',
    raw: text(
      {
        Subject: 'Mail delivery failed: returning message to sender',
        'X-Failed-Recipients': reportedRecipient,
        'Auto-Submitted': 'auto-replied',
      },
      `This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  ${reportedRecipient}\n    host mx.client.example [192.0.2.7]\n    SMTP error from remote mail server after RCPT TO:<${reportedRecipient}>:\n    550 unknown user\n\n------ This is a copy of the message, including all the headers. ------\n\n${returnedHeader}\n\nDear Carl…\n`,
    ),
  },
  {
    title: 'Exim, which goes on trying',
    outcome: 'delayed',
    raw: text(
      { Subject: 'Warning: message 1fDq2e-0004XG-9k delayed 24 hours', 'Auto-Submitted': 'auto-replied' },
      `This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours on the queue on mx.contoso.example.\n\nThe message identifier is:     1fDq2e-0004XG-9k\nThe subject of the message is: Our offer\n\nThe address to which the message has not yet been delivered is:\n\n  ${reportedRecipient}\n    Delay reason: Connection timed out\n\n------ The header of the original message is following. ------\n\n${returnedHeader}\n`,
    ),
  },
  {
    title: 'Sendmail',
    outcome: 'failed',
    answer: '(reason: 550 5.1.1 <carl@client.example>... User unknown)',
    raw: text(
      { Subject: 'Returned mail: see transcript for details' },
      `The original message was received at Fri, 20 Nov 2026 12:09:58 GMT\nfrom smtp.contoso.example [192.0.2.1]\n\n   ----- The following addresses had permanent fatal errors -----\n<${reportedRecipient}>\n    (reason: 550 5.1.1 <carl@client.example>... User unknown)\n\n   ----- Transcript of session follows -----\n... while talking to mx.client.example.:\n>>> DATA\n\n   ----- Original message follows -----\n\n${returnedHeader}\n`,
    ),
  },
  {
    title: 'an old Gmail',
    outcome: 'failed',
    answer: 'Technical details of permanent failure',
    raw: text(
      {
        From: 'Mail Delivery Subsystem <mailer-daemon@googlemail.com>',
        Subject: 'Delivery Status Notification (Failure)',
        'X-Failed-Recipients': reportedRecipient,
      },
      `Delivery to the following recipient failed permanently:\n\n     ${reportedRecipient}\n\nTechnical details of permanent failure: \nGoogle tried to deliver your message, but it was rejected by the server\n\n----- Original message -----\n\n${returnedHeader}\n\nDear Carl…\n`,
    ),
  },
  {
    title: 'an old Gmail, which goes on trying',
    outcome: 'delayed',
    raw: text(
      {
        From: 'Mail Delivery Subsystem <mailer-daemon@googlemail.com>',
        Subject: 'Delivery Status Notification (Delay)',
        'X-Failed-Recipients': reportedRecipient,
      },
      `This is an automatically generated Delivery Status Notification\n\nTHIS IS A WARNING MESSAGE ONLY.\n\nYOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\nDelivery to the following recipient has been delayed:\n\n     ${reportedRecipient}\n\nMessage will be retried for 2 more day(s)\n\n----- Original message -----\n\n${returnedHeader}\n`,
    ),
  },
  {
    title: 'an old Exchange, with the message attached',
    outcome: 'failed',
    answer: 'The recipient name is not recognized',
    raw: (() => {
      const { contentType, body } = buildMultipart('mixed', [
        part(
          'text/plain',
          `Your message\n\n  To:      Carl\n  Subject: Our offer\n  Sent:    Fri, 20 Nov 2026 12:09:50 -0000\n\ndid not reach the following recipient(s):\n\n${reportedRecipient} on Fri, 20 Nov 2026 12:09:58 -0000\n    The recipient name is not recognized\n\tThe MTS-ID of the original message is: c=us;a= ;p=client;l=MX-261120\n    MSEXCH:IMS:CLIENT:MX:MX 0 (000C05A6) Unknown Recipient\n`,
        ),
        part('message/rfc822', `${returnedHeader}\n\nDear Carl…`),
      ]);
      return buildMessage(
        {
          ...daemon,
          From: 'System Administrator <postmaster@client.example>',
          Subject: 'Undeliverable: Our offer',
          'Content-Type': contentType,
        },
        body,
      );
    })(),
  },
  {
    title: 'an old Postfix, in plain text',
    outcome: 'failed',
    answer: 'unknown user: "carl"',
    raw: text(
      {},
      `This is the Postfix program at host mx.client.example.\n\nI'm sorry to have to inform you that the message returned\nbelow could not be delivered to one or more destinations.\n\n\t\t\tThe Postfix program\n\n<${reportedRecipient}>: unknown user: "carl"\n\n--- Undelivered message follows ---\n\n${returnedHeader}\n`,
    ),
  },
  {
    title: 'Yahoo',
    outcome: 'failed',
    answer: 'Remote host said: 550 user unknown',
    raw: text(
      { Subject: 'Failure Notice', From: 'mailer-daemon@yahoo.example' },
      `Sorry, we were unable to deliver your message to the following address.\n\n<${reportedRecipient}>:\nRemote host said: 550 user unknown\n\n--- Below this line is a copy of the message.\n\n${returnedHeader}\n`,
    ),
  },
];

/** A read receipt of RFC 8098 on the message above. */
export const readReceipt = (
  options: {
    readonly disposition?: string;
    readonly recipient?: string;
    readonly messageId?: string;
    readonly headers?: Headers;
  } = {},
): Buffer => {
  const { disposition = 'manual-action/MDN-sent-manually; displayed', recipient = reportedRecipient } = options;
  const { contentType, body } = buildMultipart('report', [
    part('text/plain', 'Your message was read.'),
    part(
      'message/disposition-notification',
      `Reporting-UA: mail.client.example; Reader 1.0\nOriginal-Recipient: rfc822;${recipient}\nFinal-Recipient: rfc822;${recipient}\nOriginal-Message-ID: ${options.messageId ?? reportedMessageId}\nDisposition: ${disposition}`,
    ),
  ]);
  return buildMessage(
    {
      From: `Carl <${recipient}>`,
      To: 'anna@contoso.example',
      Subject: 'Read: Our offer',
      Date: 'Fri, 20 Nov 2026 12:30:00 +0000',
      'Message-ID': '<mdn.1@client.example>',
      'MIME-Version': '1.0',
      'Content-Type': `${contentType}; report-type=disposition-notification`,
      ...options.headers,
    },
    body,
  );
};

/** What looks like a report and is none: people's and programs' mail. */
export const noReports = (): readonly { readonly title: string; readonly raw: Buffer }[] => [
  {
    title: 'a reply that quotes a bounce',
    raw: text({ From: 'Carl <carl@client.example>' }, `> <${reportedRecipient}>: user unknown\n\nDid you see this?`),
  },
  {
    title: 'a vacation notice',
    raw: text(
      { Subject: 'Out of office', 'Auto-Submitted': 'auto-replied', From: `Carl <${reportedRecipient}>` },
      `I am away until Monday.\n\n  office@client.example\n    helps you meanwhile`,
    ),
  },
  {
    title: 'a report on abuse (RFC 5965)',
    raw: deliveryStatusReport('Feedback-Type: abuse\nVersion: 1', {
      reportType: 'feedback-report',
      statusType: 'message/feedback-report',
    }),
  },
  { title: 'a delivery report without recipients', raw: deliveryStatusReport(perMessage) },
  {
    title: 'a delivery report on addresses of another world',
    raw: deliveryStatusReport(`${perMessage}\n\nFinal-Recipient: x400; /S=carl/\nAction: failed\nStatus: 5.1.1`),
  },
  {
    title: 'a receipt of a program',
    raw: readReceipt({ disposition: 'automatic-action/MDN-sent-automatically; processed' }),
  },
];
