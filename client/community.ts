// The client of the community: ships, what they do and what they read.
import { COMMUNITY_SERVICE, type CommunityMethods } from './community-api.ts';
import { createClientClass } from './create-client-class.ts';

/**
 * @example
 * const community = new Community({ rootUrl: 'http://127.0.0.1:8080', credentials: { clientId,
 * accessToken } });
 * await community.act('~zod', { contacts: { self: { nickname: { text: 'Zod' } } } });
 */
export class Community extends createClientClass<CommunityMethods>(COMMUNITY_SERVICE) {}
