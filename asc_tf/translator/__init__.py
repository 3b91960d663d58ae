"""The device translator: pairs of clips, U-Net, PatchGAN, pix2pix."""
