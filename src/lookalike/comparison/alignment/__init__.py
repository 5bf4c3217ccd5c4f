"""How one image lies on another: matched keypoints or correlation -> a transform, the overlap, what differs there."""
