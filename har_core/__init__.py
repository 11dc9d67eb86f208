"""HAR Lens: recognise what people do in a photo, and see where and why the recogniser fails.

The stages, each a module, in the order the data flows: images, data, transforms, dataset, model,
activations, training, evaluation (with explain), runs.  See docs/architecture.md.
"""

__version__ = "0.1.0"
