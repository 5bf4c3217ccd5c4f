export const WORDS = {
  "videos.in": ["{name} in videos", "在视频中查找 {name}"],
  "videos.searching": ["Searching the videos…", "正在查找视频…"],
  "videos.found": ["Found in {n} video|Found in {n} videos", "在 {n} 个视频中找到"],
  "videos.none": ["No video of the library shows it.", "图库中没有视频包含它。"],
  "videos.segment": ["{a} of the query is {b}", "查询的 {a} 对应 {b}"],
  "videos.speed": ["at {speed} times the speed", "{speed} 倍速"],
  "videos.moment": ["at {at}, shown {b}", "位于 {at}，出现于 {b}"],
  "videos.timeline": ["Segments that both show: choose one to see it", "两者共有的片段：选择一个查看"],
  "videos.pair": ["{name} and the query", "{name} 与查询"],
  "videos.play": ["Play both", "同时播放"],
  "videos.pause": ["Pause", "暂停"],
  "videos.seek": ["Where in the segment", "片段中的位置"],
};
