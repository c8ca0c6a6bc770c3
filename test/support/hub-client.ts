export {
  createHubClient,
  type FeedEvent,
  type HubAnswer,
  type HubClient,
  HubProblem,
  type JsonObject,
  type Operation,
} from '../../local/hub-client.ts';
