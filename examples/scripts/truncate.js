// Cuts the text of posts after so many characters; images and the like stay. Config: {"characters": 140}.
const hooks = require('tlon_hooks');

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const essay = event['on-post']?.add?.essay ?? event['on-post']?.edit?.essay;
  let left = hooks.bowl.config.characters ?? 140;
  /**
   * The same inlines with what fits of their texts.
   * @type {(inlines: any[]) => any[]}
   */
  const cut = (inlines) => inlines.map(cutOne).filter((inline) => inline !== '');
  /** @type {(inline: any) => any} */
  const cutOne = (inline) => {
    if (typeof inline === 'string') {
      const kept = [...inline].slice(0, left).join('');
      left -= [...kept].length;
      return kept === inline ? inline : kept === '' ? '' : `${kept}…`;
    }
    for (const kind of ['bold', 'italics', 'strike', 'blockquote']) {
      if (Array.isArray(inline[kind])) return { [kind]: cut(inline[kind]) };
    }
    return inline;
  };
  if (essay !== undefined) {
    essay.content = essay.content.map((verse) => ('inline' in verse ? { inline: cut(verse.inline) } : verse));
  }
  return { event: { allowed: event } };
};
