"""W09xx: what the papers on residual networks advise against, with the place where they say so."""

from __future__ import annotations

from resnetdsl.diagnostics.model import Code

_PLACES = "in {count:many} places, first at `{path}`"

CODES = (
    Code(
        id="W0901",
        name="single-layer-residual",
        title="this residual spans a single weighted layer",
        label="the only layer with weights in the residual branch",
        helps=("let the residual span two or three layers, with an activation between them",),
        notes=(_PLACES,),
        fields=("path", "count"),
        reference=(
            "He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition (2015), arXiv:1512.03385, section 3.2"
        ),
        explanation="""
            With one linear layer as its body a residual is `y = W x + x`, which is itself one linear layer, with `W +
            I` for `W`: the shortcut changes how the weights start, and nothing about what the layer can represent.
            The authors report that they observed no advantage from it, and use two or three layers. What makes a
            residual function more than a layer is the non-linearity between its layers.
            """,
        bad="""
            network tiny {
                input 16x32x32
                residual(identity) {
                    conv(16, 3x3) -> batch_norm
                }
                relu
            }
            """,
        good="""
            network tiny {
                input 16x32x32
                residual(identity) {
                    conv(16, 3x3) -> batch_norm -> relu
                    conv(16, 3x3) -> batch_norm
                }
                relu
            }
            """,
    ),
    Code(
        id="W0902",
        name="activation-after-addition",
        title="an activation follows the addition of a pre-activation block",
        label="this stands on the shortcut's path",
        helps=("leave it out: the next block starts with its own norm and activation",),
        notes=(_PLACES,),
        fields=("path", "count"),
        reference=(
            "He, Zhang, Ren, Sun: Identity Mappings in Deep Residual Networks (2016), arXiv:1603.05027, "
            "section 4, figure 4(e) and table 2"
        ),
        explanation="""
            A pre-activation block puts norm and activation in front of its convolutions so that nothing but additions
            stands on the way from block to block: a signal, and its gradient, then passes from any block to any other
            directly. An activation after the addition takes that away again, and the branch behind it, which starts
            with a norm and an activation, does not need it.

            On CIFAR-10 the paper measures 6.37 % error for full pre-activation against 6.61 % for the original block
            with 110 layers, and 5.46 % against 5.93 % with 164 layers.
            """,
        bad="""
            network tiny {
                input 16x32x32
                residual(identity) {
                    batch_norm -> relu -> conv(16, 3x3)
                    batch_norm -> relu -> conv(16, 3x3)
                }
                relu
            }
            """,
        good="""
            network tiny {
                input 16x32x32
                residual(identity) {
                    batch_norm -> relu -> conv(16, 3x3)
                    batch_norm -> relu -> conv(16, 3x3)
                }
            }
            """,
    ),
    Code(
        id="W0903",
        name="scaled-shortcut-product",
        title="the shortcuts multiply to {product}",
        label="a factor of {factor} in each of {blocks:# block}",
        helps=("leave the shortcut an identity, and scale the residual branch if something must be scaled",),
        notes=("first at `{path}`",),
        fields=("factor", "blocks", "product", "path", "count"),
        reference=(
            "He, Zhang, Ren, Sun: Identity Mappings in Deep Residual Networks (2016), arXiv:1603.05027, "
            "section 3, figure 2 and table 1"
        ),
        explanation="""
            With a factor on every shortcut, the signal that enters block `l` arrives at block `L` multiplied by all
            the factors between them, and so does the gradient on its way back. Factors below one make this product
            vanish with depth, factors above one make it explode, and training then has to work through the weighted
            layers alone, which is what the shortcut was to spare it.

            On CIFAR-10 with ResNet-110, where the original shortcut has 6.61 % error, the paper finds that constant
            scaling by 0.5, gates and a 1x1 convolution on every shortcut all do worse or fail to converge, although
            the latter two can represent more.
            """,
        bad="""
            shortcut half { x * 0.5 }

            network tiny {
                input 16x32x32
                12 * {
                    residual(half) {
                        conv(16, 3x3) -> batch_norm -> relu
                        conv(16, 3x3) -> batch_norm(init = 0)
                    }
                    relu
                }
            }
            """,
        good="""
            network tiny {
                input 16x32x32
                12 * {
                    residual(identity) {
                        conv(16, 3x3) -> batch_norm -> relu
                        conv(16, 3x3) -> batch_norm(init = 0)
                    }
                    relu
                }
            }
            """,
    ),
    Code(
        id="W0904",
        name="strided-pointwise",
        title="a strided 1x1 convolution drops most of its input",
        label="it reads {kept} of the pixels",
        helps=(
            "put the stride on a 3x3 convolution beside it",
            "on a shortcut, average over 2x2 first and convolve with stride 1",
        ),
        notes=(_PLACES,),
        fields=("kept", "path", "count"),
        reference=(
            "He, Zhang, Zhang, Zhang, Xie, Li: Bag of Tricks for Image Classification with Convolutional "
            "Neural Networks (2018), arXiv:1812.01187, section 4, figure 2 and table 5"
        ),
        explanation="""
            A 1x1 convolution with stride 2 never looks at three of every four pixels: what earlier layers computed
            there is lost. The paper moves the stride of the bottleneck to its 3x3 convolution (ResNet-B, which
            torchvision also does) and puts a 2x2 average pool with stride 2 in front of a 1x1 convolution with stride
            1 on the shortcut (ResNet-D). Both cost little and gain accuracy.

            The original ResNet has its strides on 1x1 convolutions; to reproduce it, silence this with `# allow:
            W0904 as published`.
            """,
        bad="""
            network tiny {
                input 16x32x32
                conv(32, 1x1, stride = 2) -> batch_norm -> relu
                conv(32, 3x3) -> batch_norm -> relu
            }
            """,
        good="""
            network tiny {
                input 16x32x32
                conv(32, 1x1) -> batch_norm -> relu
                conv(32, 3x3, stride = 2) -> batch_norm -> relu
            }
            """,
    ),
    Code(
        id="W0905",
        name="deep-plain-stack",
        title="a plain stack of {layers} layers is hard to train",
        label="no shortcut in {layers:# weighted layer}",
        helps=("make every two or three layers a `residual`",),
        notes=("it starts at `{path}`",),
        fields=("layers", "path", "count"),
        reference=(
            "He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition (2015), arXiv:1512.03385, "
            "section 1, figure 1, and section 4.1, table 2"
        ),
        explanation="""
            Beyond some depth, more plain layers make a network worse, and not by overfitting: its training error
            rises as well, although the deeper network could copy the shallower one. The paper shows this degradation
            on CIFAR-10, where 56 plain layers do worse than 20, and on ImageNet, where a plain network of 34 layers
            has 28.54 % top-1 error against 27.94 % with 18 layers. With shortcuts the order is reversed: 25.03 %
            against 27.88 %.
            """,
        bad="""
            network tiny {
                input 16x32x32
                40 * (conv(16, 3x3) -> batch_norm -> relu)
            }
            """,
        good="""
            network tiny {
                input 16x32x32
                4 * (conv(16, 3x3) -> batch_norm -> relu)
            }
            """,
    ),
    Code(
        id="W0906",
        name="bias-before-norm",
        title="this bias has no effect: a norm follows",
        label="the norm subtracts it again",
        helps=("`bias = false` saves the parameters",),
        notes=(_PLACES,),
        fields=("path", "count"),
        reference=(
            "Ioffe, Szegedy: Batch Normalization: Accelerating Deep Network Training by Reducing Internal "
            "Covariate Shift (2015), arXiv:1502.03167, section 3.2"
        ),
        explanation="""
            A batch norm subtracts the mean of each channel, and with it whatever constant was added to the channel
            before; its own shift does what the bias was to do. The bias costs parameters and memory traffic, and its
            gradient is zero. Some published checkpoints have such biases all the same; to load one, silence this with
            `# allow: W0906 as published`.
            """,
        bad="""
            network tiny {
                input 16x32x32
                conv(16, 3x3, bias = true) -> batch_norm -> relu
            }
            """,
        good="""
            network tiny {
                input 16x32x32
                conv(16, 3x3) -> batch_norm -> relu
            }
            """,
    ),
    Code(
        id="W0907",
        name="norm-after-addition",
        title="a norm follows the addition of a residual",
        label="this stands on the shortcut's path",
        helps=("normalise inside the residual branch, before the addition or in front of its layers",),
        notes=(_PLACES,),
        fields=("path", "count"),
        reference=(
            "He, Zhang, Ren, Sun: Identity Mappings in Deep Residual Networks (2016), arXiv:1603.05027, "
            "section 4.1, figure 4(b) and table 2"
        ),
        explanation="""
            A norm after the addition rescales the shortcut's signal in every block, so nothing passes through the
            network unchanged any more, and the loss falls slowly at the start of training. On CIFAR-10 the paper
            measures 8.17 % error with it against 6.61 % for the original block with 110 layers, and 6.50 % against
            5.93 % with 164 layers. One norm after the last block of a stage or network does no harm and is not
            reported.
            """,
        bad="""
            network tiny {
                input 16x32x32
                4 * {
                    residual(identity) {
                        conv(16, 3x3) -> batch_norm -> relu
                        conv(16, 3x3)
                    }
                    batch_norm -> relu
                }
            }
            """,
        good="""
            network tiny {
                input 16x32x32
                4 * {
                    residual(identity) {
                        conv(16, 3x3) -> batch_norm -> relu
                        conv(16, 3x3) -> batch_norm
                    }
                    relu
                }
            }
            """,
    ),
    Code(
        id="W0908",
        name="no-zero-init",
        title="no residual branch starts at zero in a network of {blocks} blocks",
        label="the last norm of each branch starts at one",
        helps=("start the last norm of the branch at zero: `batch_norm(init = 0)`",),
        notes=("first at `{path}`",),
        fields=("blocks", "path", "count"),
        reference=(
            "Goyal et al.: Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour (2017), arXiv:1706.02677, "
            "section 5.1; He et al.: Bag of Tricks for Image Classification with Convolutional Neural Networks (2018), "
            "arXiv:1812.01187, section 3.1"
        ),
        explanation="""
            If the scale of the last norm in every residual branch starts at zero, every block is the identity at
            first: the network starts as a shallow one and deepens as training goes on, which eases the start, above
            all with large batches. The papers do this for the batch norms that end a residual branch; torchvision
            offers it as `zero_init_residual`, and timm does it by default in its ResNets.

            It costs nothing, and changes neither shapes nor names, only how training starts. A pre-trained checkpoint
            overwrites it.
            """,
        bad="""
            network tiny {
                input 16x32x32
                40 * {
                    residual(identity) {
                        conv(16, 3x3) -> batch_norm -> relu
                        conv(16, 3x3) -> batch_norm
                    }
                    relu
                }
            }
            """,
        good="""
            network tiny {
                input 16x32x32
                40 * {
                    residual(identity) {
                        conv(16, 3x3) -> batch_norm -> relu
                        conv(16, 3x3) -> batch_norm(init = 0)
                    }
                    relu
                }
            }
            """,
    ),
    Code(
        id="W0909",
        name="slow-channels",
        title="{channels} channels are slow at half precision",
        label="not a multiple of 8",
        helps=("round the width: `divisible(width, 8)`",),
        notes=(_PLACES,),
        fields=("channels", "path", "count"),
        reference=(
            "NVIDIA: Convolutional Layers User's Guide (Deep Learning Performance Documentation), "
            "on channels in and out and tensor cores"
        ),
        explanation="""
            Tensor cores work on tiles. With 16-bit numbers, the guide asks for input and output channels that are
            multiples of 8; older libraries do not use tensor cores at all otherwise, newer ones pad the channels and
            compute on zeros. The three channels of an image, the classes at the end and a map of one channel, as of
            attention over space, are what they must be and are not reported.
            """,
        bad="""
            network tiny {
                input 16x32x32
                conv(60, 3x3) -> batch_norm -> relu
                conv(64, 3x3) -> batch_norm -> relu
            }
            """,
        good="""
            network tiny {
                input 16x32x32
                conv(64, 3x3) -> batch_norm -> relu
                conv(64, 3x3) -> batch_norm -> relu
            }
            """,
    ),
)
