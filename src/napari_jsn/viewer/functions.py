"""The functions of the package on layers of napari; ``magicgui`` makes a form of each.

They return what the functions of the same names in :mod:`napari_jsn` return. A form that returns such a result, and is
used with a viewer, adds its layers: see :mod:`napari_jsn.viewer.returned`. Annotations are classes and not strings,
because magicgui does not resolve strings by the names of this module.
"""

from typing import Annotated, Any, Literal

from napari.layers import Image, Labels
from napari.utils._magicgui import get_layers

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Silent
from napari_jsn.localization.found_joints import FoundJoints
from napari_jsn.networks.weights import names
from napari_jsn.progression.progression import Progression
from napari_jsn.registration.method_names import choices
from napari_jsn.registration.result import Registration
from napari_jsn.segmentation.found_bones import FoundBones
from napari_jsn.training.train import Trained
from napari_jsn.viewer.forms.form import device_of, image_problem
from napari_jsn.viewer.inputs.pair import PairInputs
from napari_jsn.viewer.inputs.segment import SegmentInputs
from napari_jsn.viewer.inputs.train import TrainInputs
from napari_jsn.viewer.layers.radiograph import (
    check_layers_of_one_patient,
    patient_from_layers,
    read_radiograph_layer,
)
from napari_jsn.viewer.layers.read_layer import dimension_problem, spacing_of
from napari_jsn.viewer.returned import register_types, remember_inputs

Device = Literal["auto", "cpu", "cuda"]
#: A pixel size in mm; 0 takes that of the layer.
PixelSize = Annotated[float, {"min": 0.0, "max": 10.0, "step": 0.001}]
#: The choices are read again whenever the form updates them, because a training adds models.
Method = Annotated[str, {"choices": lambda widget: list(choices())}]
SegmentationModel = Annotated[str, {"choices": lambda widget: names("segmentation")}]
LocalizationModel = Annotated[str, {"choices": lambda widget: names("localization")}]


def _single_images(field: Any) -> list[Image]:
    """Return the layers that a form offers as images: the 2-D ones; others would be refused."""
    return [layer for layer in get_layers(field) if not dimension_problem(layer)]


#: magicgui takes these choices in place of napari's only where the kind of widget is stated.
SingleImage = Annotated[Image, {"widget_type": "ComboBox", "choices": _single_images}]

register_types()


def register(
    fixed: SingleImage,
    moving: SingleImage,
    fixed_masks: Labels | None = None,
    moving_masks: Labels | None = None,
    spacing_mm: PixelSize = 0.0,
    moving_spacing_mm: PixelSize = 0.0,
    method: Method = "refined",
    device: Device = "auto",
) -> Registration:
    """Measure the joint space narrowing of one joint between two visits.

    Parameters
    ----------
    fixed, moving : napari.layers.Image
        Joint images of baseline and follow-up: 2-D, greyscale, bone bright, finger axis vertical, distal end up.
    fixed_masks, moving_masks : napari.layers.Labels, optional
        Bone masks: 1 upper (distal), 2 lower (proximal), 3 both. By default the bones are found.
    spacing_mm, moving_spacing_mm : float
        Pixel size in mm. 0: that of the layer if its units are lengths, else figures are in pixels.
    method : str
        Method of registration.
    device : str
        Device for the computation. auto: a CUDA GPU if there is one.

    Returns
    -------
    Registration

    Raises
    ------
    InputError
        If a layer or a pixel size is wrong; its message names the layer and says what to do.
    """
    sizes = [given or _spacing_of(layer) for given, layer in ((spacing_mm, fixed), (moving_spacing_mm, moving))]
    inputs = PairInputs(fixed, fixed_masks, sizes[0], moving, moving_masks, sizes[1], method, device)
    _check(inputs)
    return remember_inputs(inputs.work()(Silent()), fixed, moving)


def segment(joint_image: SingleImage, model: SegmentationModel = "default", device: Device = "auto") -> FoundBones:
    """Find the two bones of a joint image.

    Parameters
    ----------
    joint_image : napari.layers.Image
        2-D, greyscale, bone bright, finger axis vertical, distal end up.
    model : str
        The network that finds the bones.
    device : str
        Device for the computation. auto: a CUDA GPU if there is one.

    Returns
    -------
    FoundBones

    Raises
    ------
    InputError
        If the layer is no joint image, or there is no such model or device.
    """
    inputs = SegmentInputs(joint_image, model, device)
    _check(inputs)
    return remember_inputs(inputs.work()(Silent()), joint_image)


def measure(
    baseline: SingleImage, followup: SingleImage, method: Method = "refined", device: Device = "auto"
) -> Progression:
    """Measure the narrowing of each finger joint between two radiographs of hands.

    Parameters
    ----------
    baseline, followup : napari.layers.Image
        Radiographs of the same hands at two visits: 2-D, greyscale, bone bright. Pixel size and side are those of
        the layers.
    method : str
        Method of registration.
    device : str
        Device for the computation. auto: a CUDA GPU if there is one.

    Returns
    -------
    Progression

    Raises
    ------
    InputError
        If a layer is no radiograph, or there is no such method or device.
    """
    from napari_jsn.progression.measure import measure as measure_patient

    _check_image(baseline, "baseline")
    _check_image(followup, "followup", baseline)
    notes = check_layers_of_one_patient((baseline, followup), "followup")
    layers = enumerate((baseline, followup), start=1)
    radiographs = [read_radiograph_layer(layer, visit).loaded() for visit, layer in layers]
    used = device_of(device)
    patient = patient_from_layers(radiographs, notes, split=False, device=used, patient_id=None)
    return remember_inputs(measure_patient(patient, method=method, device=used), baseline, followup)


def find_joints(radiograph: SingleImage, model: LocalizationModel = "default", device: Device = "auto") -> FoundJoints:
    """Find the finger joints of the hands on a radiograph.

    Parameters
    ----------
    radiograph : napari.layers.Image
        Posteroanterior view of hands, fingers up: 2-D, greyscale, bone bright.
    model : str
        The network that finds the joints.
    device : str
        Device for the computation. auto: a CUDA GPU if there is one.

    Returns
    -------
    FoundJoints

    Raises
    ------
    InputError
        If the layer is no radiograph, or there is no such model or device.
    """
    from napari_jsn.localization.find_joints import find_joints as find_on_radiograph

    _check_image(radiograph, "radiograph")
    read = read_radiograph_layer(radiograph, 1).loaded().radiograph()
    return remember_inputs(find_on_radiograph(read, model, device_of(device)), radiograph)


def train(
    task: str = "find bones",
    source: str = "layers",
    pairs: tuple = (),
    data: str | None = None,
    simulated: bool = False,
    start: str = "random weights",
    preset: str = "default",
    epochs: int | None = None,
    device: Device = "auto",
    name: str | None = None,
) -> Trained:
    """Train a network on pairs of layers, on a folder, or on simulated joints; the model is in all menus afterwards.

    Parameters
    ----------
    task : {"find bones", "register", "grade joints"}
        What the network learns.
    source : {"layers", "a folder", "simulated joints"}
        Where the training data are.
    pairs : tuple of pairs of napari.layers.Layer
        Image and labels of a joint, or its images at two visits.
    data : str, optional
        The folder.
    simulated : bool
        Whether to learn from simulated joints too.
    start : str
        Random weights, the name of a model, or ``"resume NAME"`` for a training that was stopped.
    preset : {"default", "paper"}
        Network and training settings.
    epochs : int, optional
        The largest number of epochs; by default that of the preset.
    device : str
        Device for the computation. auto: a CUDA GPU if there is one.
    name : str, optional
        Name of the model.

    Returns
    -------
    Trained

    Raises
    ------
    InputError
        If an argument is wrong, or there is too little to train on.
    """
    inputs = TrainInputs(task, source, tuple(pairs), data, simulated, start, preset, epochs, device, name)
    _check(inputs)
    return inputs.work([layer for pair in inputs.pairs for layer in pair])(Silent(), None)


def _check(inputs: Any) -> None:
    for name, problem in inputs.problems().items():
        raise InputError(f"{name}: {problem}", name)


def _check_image(layer: Any, argument: str, other: Any = None) -> None:
    if layer is None:
        raise InputError(f"{argument}: Choose an image layer.", argument)
    if layer is other:
        raise InputError(f"{argument}: This is the baseline. Choose another image.", argument)
    problem = image_problem(layer)
    if problem:
        raise InputError(f"{argument}: {problem}", argument)


def _spacing_of(layer: Any) -> Any:
    return None if layer is None else spacing_of(layer)
