import { describe, expect, it } from 'vitest';
import {
  clearedSessionCookie,
  sessionCookie,
  sessionCookieName,
} from '../../../functions/api/browser/session-cookie.ts';

const now = new Date('2026-11-20T12:00:00.000Z');
const cookieAt = (hubUrl: string): string => sessionCookie(hubUrl, 'token', '2026-11-20T13:00:00.000Z', now);

describe('the cookie of a session', () => {
  it('is bound to the host and to HTTPS', () => {
    expect(cookieAt('https://hub.example')).toBe(
      '__Host-mailbox-sync-session=token; Max-Age=3600; Path=/; HttpOnly; SameSite=Strict; Secure',
    );
  });

  it('of a hub on this machine is told from that of another port, to which browsers send it too', () => {
    expect(cookieAt('http://127.0.0.1:8080')).toBe(
      'mailbox-sync-session-8080=token; Max-Age=3600; Path=/; HttpOnly; SameSite=Strict',
    );
    expect(sessionCookieName('http://127.0.0.1:8081')).not.toBe(sessionCookieName('http://127.0.0.1:8080'));
  });

  it('is over at once when its session is, and when it is taken back', () => {
    expect(sessionCookie('https://hub.example', 'token', '2026-11-20T11:00:00.000Z', now)).toContain('Max-Age=0;');
    expect(clearedSessionCookie('https://hub.example')).toContain('__Host-mailbox-sync-session=; Max-Age=0;');
  });
});
