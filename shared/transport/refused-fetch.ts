import { TransportError } from './transport-error.ts';

/** A server refused to send messages: it may be unable to read one of them, or to do its work at all. */
export class RefusedFetchError extends TransportError {
  constructor({ fault, class: kind, level, cause }: TransportError) {
    super('serverError', { class: kind, level, detail: fault.detail, error: cause });
  }
}
