"""What a network is trained on: folders, boxes, augmentation."""
