export const WORDS = {
  "text.unknown": ["No idea of: {words}.", "无法判断：{words}。"],
  "text.nothing": ["Nothing like that here: the best has a probability of {best}.", "没有这样的图片：最高的概率为 {best}。"],
  "text.found": ["{n} image found|{n} images found", "找到 {n} 张图片"],
};
