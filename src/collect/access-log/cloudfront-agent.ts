/**
 * The user agent that CloudFront sends to origins unless it forwards that of the viewer: CloudFront developer guide, "HTTP
 * request headers and CloudFront behavior". Anyone can send it, so it is only a sign.
 */
export const CLOUDFRONT_AGENT = 'Amazon CloudFront';

export const isCloudFrontAgent = (agent: string): boolean => agent === CLOUDFRONT_AGENT;
