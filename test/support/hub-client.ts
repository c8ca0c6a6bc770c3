export {
  createHubClient,
  type FeedEvent,
  type HubAnswer,
  type HubClient,
  type JsonObject,
} from '../../local/hub-client.ts';
