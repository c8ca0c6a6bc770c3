import { describe, expect, it } from 'vitest';
import type { Email } from '../../../shared/email/email.ts';
import { presentEmailWithBody } from '../../../shared/email/present-email.ts';

const email = { attachments: [], delivery: null } as unknown as Email;

describe('a body that is longer than an answer', () => {
  it.each(Array.from({ length: 12 }, (_, index) => index))('is not cut within a tag (%i letters on)', (letters) => {
    const html = `${'x'.repeat(letters)}${'<a href="https://client.example/">y</a>'.repeat(150_000)}`;

    const { body } = presentEmailWithBody(email, { html });

    expect(body.truncated).toBe(true);
    expect(body.html).not.toMatch(/<[^>]*$/);
    expect(html.startsWith(body.html ?? '')).toBe(true);
  });
});
