"""What a network is trained on: folders, boxes, augmentation, a teacher's features."""
