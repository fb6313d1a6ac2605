import pytest

from ssd_det.foreign.parser_messages import refusal_of

UNION = """Parser key "trainer.max_epochs":
  Does not validate against any of the Union subtypes
  Subtypes: [<class 'int'>, <class 'NoneType'>]
  Errors:
    - Expected a <class 'int'>
    - Expected a <class 'NoneType'>
  Given value type: <class 'str'>
  Given value: three"""
OF_CLASS = """Parser key "model":
  Does not validate against any of the Union subtypes
  Subtypes: [<class 'ssd_det.tasks.base.Task'>, <class 'NoneType'>]
  Errors:
    - Problem with given class_path 'ssd_det.tasks.refine.RefineTask':
        {}
    - Expected a <class 'NoneType'>
  Given value type: <class 'dict'>
  Given value: {{'init_args': {{}}}}"""
CHOICE = """Parser key "merging":
          Expected a typing.Literal['ranking', 'agreement', 'exclusive']. Got value: x"""
NESTED_UNION = """Parser key "weights":
          Does not validate against any of the Union subtypes
          Errors:
            - Expected a <class 'str'>
            - Expected a <class 'NoneType'>
          Given value type: <class 'list'>
          Given value: [1]"""
NO_CLASS = """Parser key "data":
  Does not validate against any of the Union subtypes
  Errors:
    - Expected a dot import path string: Foo
    - Expected a <class 'NoneType'>
  Given value: {'class_path': 'Foo'}"""
NO_SUBCLASS = """Parser key "model":
  Errors:
    - Not a valid subclass of Task
      Subclass types expect one of:
      - a class path (str)
    - Expected a <class 'NoneType'>
  Given value: 3"""
FIT, REFINE = "ssd-det fit", "ssd-det refine-annotations"


@pytest.mark.parametrize(
    ("command", "message", "key", "sentence"),
    [
        (FIT, UNION, "trainer.max_epochs", "trainer.max_epochs is three: give an integer or null"),
        (
            FIT,
            "Parser key \"rounds\":\n  Expected a <class 'collections.abc.Sequence'>. Got value: x",
            "rounds",
            "rounds is x: give a list",
        ),
        (
            FIT,
            OF_CLASS.format(CHOICE),
            "model.merging",
            "model.merging is x: give ranking, agreement or exclusive",
        ),
        (FIT, OF_CLASS.format(NESTED_UNION), "model.weights", "model.weights is [1]: give text or null"),
        (
            FIT,
            OF_CLASS.format("Option 'foo' is not accepted"),
            "model.foo",
            "model.foo is no setting of RefineTask: correct its name, or remove it",
        ),
        (
            FIT,
            OF_CLASS.format("Group 'loss_weights' does not accept option 'spsdd'"),
            "model.loss_weights.spsdd",
            "model.loss_weights.spsdd is no setting of RefineTask: correct its name, or remove it",
        ),
        (
            FIT,
            OF_CLASS.format("unrecognized arguments: --loss_weights.foo=1"),
            "",
            "model.loss_weights.foo=1 is nothing that RefineTask takes: correct or remove it",
        ),
        (
            FIT,
            OF_CLASS.format("the following arguments are required: annotations, image_root"),
            "model.annotations",
            "model.annotations and model.image_root are not given: give them (see ssd-det fit --help)",
        ),
        (FIT, NO_CLASS, "data", "data has the class Foo, which is not known: correct its name or dotted path"),
        (FIT, NO_SUBCLASS, "model", "model is 3: give the class_path of a Task and its init_args"),
        (
            FIT,
            "Subcommand 'fit' does not accept option 'refine.settings.model.init_args.weights'",
            "refine.settings.model.weights",
            "refine.settings.model.weights is no setting of ssd-det fit: correct its name, or remove it",
        ),
        (
            FIT,
            "unrecognized arguments: --foo 0.2",
            "",
            "--foo 0.2 is nothing that ssd-det fit takes: correct or remove it",
        ),
        (
            REFINE,
            "the following arguments are required: refine_annotations.output",
            "output",
            "output is not given: give it (see ssd-det refine-annotations --help)",
        ),
        (
            FIT,
            "Parser key \"refine.config\":\n  Not of type Path_fr: File does not exist: '/nix.yaml'",
            "refine.config",
            "refine.config: File does not exist: '/nix.yaml': correct it",
        ),
        (
            FIT,
            "argument --ckpt_path: expected one argument",
            "",
            "argument --ckpt_path: expected one argument (see ssd-det fit --help)",
        ),
    ],
)
def test_a_message_becomes_a_sentence(command, message, key, sentence):
    assert refusal_of(message, command) == (key, sentence)


def test_a_long_value_is_cut():
    message = f"Parser key \"rounds\":\n  Expected a <class 'int'>. Got value: {'x' * 500}"
    assert len(refusal_of(message, FIT).sentence) < 100
