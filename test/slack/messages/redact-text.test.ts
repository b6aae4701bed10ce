/** Text that is removed from a channel's view, and text that is not. */
import { describe, expect, it } from 'vitest';
import { redactSecrets } from '../../../src/slack/messages/redact-text.ts';

describe('secrets', () => {
  it.each([
    ['GET /u/jo.doe@example.com/cart', 'GET /u/:mail/cart'],
    ['GET /jo%40example.org', 'GET /:mail'],
    ['GET /ip/203.0.113.77/x', 'GET /ip/:address/x'],
    ['GET /203.0.113.77', 'GET /:address'],
    ['GET /p%3Ftoken=abc', 'GET /p'],
    ['GET /p%3Ftoken%3Dabc failed', 'GET /p failed'],
    ['GET /p?token=abc failed', 'GET /p failed'],
    ['GET /v/AbCdEfGh12345678IjKlMnOp/x', 'GET /v/:token/x'],
    ['GET /arn:aws:/AbCdEfGh12345678IjKlMnOp', 'GET /arn:aws:/:token'],
    ['GET /app/AbCdEfGh12345678IjKlMnOp/50dc6c495c0c9188', 'GET /app/:token/50dc6c495c0c9188'],
    ['GET /reset/AKIAIOSFODNN7EXAMPLE', 'GET /reset/:token'],
  ])('%s', (text, expected) => {
    expect(redactSecrets(text)).toBe(expected);
  });
});

describe('text that must stay readable', () => {
  it.each([
    'GET /img/logo@2x.png',
    'GET /npm/react@18.2.0/react.js',
    'GET /@scope/package',
    'curl -sv http://10.0.1.5/health',
    'target group targetgroup/Checko-Targe-1A2B3C4D5E6Fab/73e2d6bc24d8a067 of app/Checko-LB8A1-1A2B3C4D5E6Fab/50dc6c495c0c9188',
    'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/Checko-Targe-1A2B3C4D5E6Fab/73e2d6bc24d8a067 is gone',
    'denied for arn:aws:iam::123456789012:role/CheckoutStack-TaskRole30FC0FBB-1ABCdef',
    'api 172.31.6.52:80, allowed from 10.0.0.0/16',
    'ModifyRule by jo@example.com, 3 min before',
  ])('%s', (text) => {
    expect(redactSecrets(text)).toBe(text);
  });
});
