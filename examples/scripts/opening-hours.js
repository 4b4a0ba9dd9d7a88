// The channel is open from 8 to 20 o'clock UTC: outside of it only the role "staff" may write. Give it an hourly cron.
// Config: {"from": 8, "to": 20, "role": "staff"}.
const hooks = require('tlon_hooks');

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const { from = 8, to = 20, role = 'staff' } = hooks.bowl.config;
  const hour = new Date().getUTCHours();
  const isOpen = hour >= from && hour < to;
  const effects = [];
  if ('cron' in event && (hooks.get_state() ?? true) !== isOpen) {
    const action = isOpen ? { 'del-writers': [role] } : { 'add-writers': [role] };
    effects.push({ channels: { channel: { nest: hooks.bowl.nest, action } } });
    effects.push(
      hooks.effects.post_here(isOpen ? 'Good morning, we are open.' : `We are closed until ${from}:00 UTC.`),
    );
    hooks.set_state(isOpen);
  }
  return { event: { allowed: event }, effects };
};
