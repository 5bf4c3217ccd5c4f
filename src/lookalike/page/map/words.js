export const WORDS = {
  "map.by": ["Arrange by", "排列依据"],
  "map.canvas": ["Map of the library. Arrow keys move, plus and minus zoom, 0 shows all, Enter opens the image in the middle.", "图库地图。方向键移动，加减键缩放，0 显示全图，回车打开中央图片。"],
  "map.loading": ["Arranging the library…", "正在布置图库…"],
  "map.hint": ["Images that look similar are near each other. Drag to move, scroll or pinch to zoom in: each point becomes its image.", "相似的图片彼此靠近。拖动以移动，滚轮或双指缩放；放大后每个点变为图片。"],
  "map.share": ["A flat map cannot show every difference between the images; this one shows {share} of them.", "平面地图无法显示图片之间的全部差异；此图显示了其中的 {share}。"],
  "map.list": ["What is in view, as a list", "以列表显示视野中的图片"],
  "map.seen": ["In view: {n}; the {shown} nearest to the middle first.", "视野中有 {n} 张图片，列出离中心最近的 {shown} 张。"],
  "map.other": ["other", "其他"],
  "map.in": ["Zoom in", "放大"],
  "map.out": ["Zoom out", "缩小"],
  "map.whole": ["Whole map", "全图"],
};
