export const WORDS = {
  "start.title": ["What are you looking for?", "您想找什么图片？"],
  "start.words": ["For instance", "例如"],
  "start.paste": ["or paste one. It is compared with your library and forgotten again.", "也可以直接粘贴。图片只用于比对，之后即被丢弃。"],
  "start.samples": ["Or begin with one of these", "或者从这些图片开始"],
};
