import type { Logger } from '@aws-lambda-powertools/logger';
import middy, { type MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { describeError } from '../../shared/platform/describe-error.ts';
import { FaultError } from '../../shared/platform/fault.ts';
import { createIdentifier } from '../../shared/platform/identifier.ts';
import { isTransient, presentProblem } from './problem.ts';
import { readRequest } from './request.ts';
import type { RouteAnswer } from './route.ts';
import { createRouter } from './router.ts';
import type { RouteGroups } from './routes/index.ts';
import { createServe, type RequestNotes } from './serve.ts';
import type { Services } from './services.ts';

interface Notes extends RequestNotes {
  readonly requestId: string;
  readonly startedAt: number;
}

type Middleware = MiddlewareObj<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>;

// Answers are for the caller alone, and some hold what is shown only once.
const generalHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

// A function may answer with 6 MB, headers included: of JSON, in which the text of an answer is one more string.
const answerLimitBytes = 6_200_000;

/** The text as the function returns it. */
const carry = (text: string): Pick<APIGatewayProxyStructuredResultV2, 'body' | 'isBase64Encoded'> => {
  if (Buffer.byteLength(JSON.stringify(text)) <= answerLimitBytes) return { body: text };
  // Each quotation mark and each backslash takes twice the room in a string; in Base64 all take a third more.
  const encoded = Buffer.from(text).toString('base64');
  if (encoded.length > answerLimitBytes) throw new Error('The answer is larger than a function may return');
  return { body: encoded, isBase64Encoded: true };
};

const toResult = (answer: RouteAnswer): APIGatewayProxyStructuredResultV2 => {
  const { status, headers = {}, body } = answer;
  if (body === undefined) return { statusCode: status, headers: { ...generalHeaders, ...headers } };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return {
    statusCode: status,
    headers: { ...generalHeaders, 'content-type': 'application/json', ...headers },
    ...carry(text),
  };
};

/** Puts the identifier of the request on every answer, and writes one line to the log when it has been answered. */
const identifyRequests = (logger: Logger, now: () => Date, notesOf: (event: object) => Notes): Middleware => {
  const finish: NonNullable<Middleware['after']> = ({ event, response }) => {
    if (response === undefined || response === null) return;
    const { startedAt, ...notes } = notesOf(event);
    response.headers = { ...response.headers, 'request-id': notes.requestId };
    logger.info('request', {
      ...notes,
      method: event.requestContext.http.method,
      status: response.statusCode,
      milliseconds: now().getTime() - startedAt,
    });
  };
  return { after: finish, onError: finish };
};

/** Turns whatever was thrown into problem details. What the caller is not told goes to the log, without the request. */
const answerProblems = (logger: Logger, notesOf: (event: object) => Notes): Middleware => ({
  onError: (request) => {
    const { error, event } = request;
    const { requestId, route } = notesOf(event);
    if (!(error instanceof FaultError)) {
      const details = { requestId, route, error: describeError(error) };
      if (isTransient(error)) logger.warn('request could not be carried out', details);
      else logger.error('request failed unexpectedly', details);
    }
    request.response = toResult(presentProblem(error, requestId));
  },
});

/** The function behind the API: payload format 2.0 of an HTTP API with one route for everything. */
export const createApi = (services: Services, groups: RouteGroups, logger: Logger) => {
  const serve = createServe(services, createRouter(groups));
  const known = new WeakMap<object, Notes>();
  const notesOf = (event: object): Notes => {
    const startedAt = services.now().getTime();
    const notes = known.get(event) ?? { requestId: createIdentifier('req', startedAt), startedAt };
    known.set(event, notes);
    return notes;
  };
  return middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>({
    // Answers before Lambda would end the call without an answer.
    timeoutEarlyInMillis: 500,
    timeoutEarlyResponse: () => {
      throw new FaultError('unavailable');
    },
  })
    .use(identifyRequests(logger, services.now, notesOf))
    .use(answerProblems(logger, notesOf))
    .handler(async (event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> => {
      const notes = notesOf(event);
      return toResult(await serve(readRequest(event), notes.requestId, notes));
    });
};
