"""How one image lies on another: keypoint matching, ECC, orientations, overlap."""
