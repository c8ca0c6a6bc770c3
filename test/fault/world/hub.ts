import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { type Answer, readAnswer, toEvent } from '../../integration/api-harness.ts';
import type { World } from './world.ts';

/** Calls of one key. Each is repeated with the same idempotency key until it is answered, as a careful client does. */
export type HubCall = (method: string, path: string, body?: unknown) => Promise<Answer['body']>;

const mostAttempts = 100;
/** The place at a server that a killed run held is free again after so long; whoever asks sooner waits, by the machine's clock. */
const unavailableSeconds = 200;
const retriedStatuses: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

/** What a caller was told that it should never be told. */
export class UnexpectedAnswer extends Error {}

const isTryAgain = ({ status, body }: Answer): boolean =>
  retriedStatuses.has(status) || (status === 409 && body?.code === 'requestInProgress');

let keys = 0;

/** Calls the api function as API Gateway does. */
export const createHubCall =
  (world: World, token: string): HubCall =>
  async (method, path, body) => {
    keys += 1;
    const headers: Record<string, string> =
      method === 'POST' ? { 'idempotency-key': `fault-${process.pid}-${keys}` } : {};
    const event = toEvent(method, `/v1${path}`, token, { ...(body === undefined ? {} : { body }), headers });
    let seen = '';
    for (let attempt = 1; attempt <= mostAttempts; attempt += 1) {
      let isUnavailable = false;
      const end = await world.invoker.invoke('api', event);
      if (end.kind === 'returned') {
        const answer = readAnswer(end.value as APIGatewayProxyStructuredResultV2);
        if (answer.status < 400) return answer.body;
        isUnavailable = answer.status === 503;
        seen = `${answer.status} ${JSON.stringify(answer.body)}`;
        if (!isTryAgain(answer)) throw new UnexpectedAnswer(`${method} ${path} answered ${seen}`);
      } else seen = end.kind === 'thrown' ? end.error : 'nothing: the process died';
      await world.clock.pause(isUnavailable ? unavailableSeconds : Math.min(10, attempt));
    }
    throw new UnexpectedAnswer(`${method} ${path} was not answered in ${mostAttempts} attempts; the last: ${seen}`);
  };
