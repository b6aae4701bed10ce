/** Seals what a form carries to Slack and back, which a client might change. */
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface Seals {
  /** Returns text for the private metadata of a form that this person gets. */
  close(content: object, user: string): string;
  /** Returns the content; null unless it was sealed for this person. */
  open(sealed: string, user: string): unknown;
}

/** All replicas must have the same secret. */
export function openSeals(secret: string): Seals {
  const sealOf = (text: string, user: string): Buffer =>
    createHmac('sha256', secret)
      .update(JSON.stringify(['alb502 form', user, text]))
      .digest();
  return {
    close(content, user) {
      const text = JSON.stringify(content);
      return `${sealOf(text, user).toString('base64url')} ${text}`;
    },
    open(sealed, user) {
      const end = sealed.indexOf(' ');
      const text = sealed.slice(end + 1);
      const [seal, expected] = [Buffer.from(sealed.slice(0, Math.max(0, end)), 'base64url'), sealOf(text, user)];
      return seal.length === expected.length && timingSafeEqual(seal, expected) ? JSON.parse(text) : null;
    },
  };
}
