"""The curves of a run, out of its log: each figure at the step it was measured at."""

from training.runs import curve_points

LOG = """\
rows=534; validation_rows=53; labels=12;
phase=embedding; progress=0.12; step=534; steps=534;
phase=probe; progress=0.25;
phase=probe; validation_accuracy=0.71; validation_loss=1.1;
phase=finetune; progress=0.3;
progress=0.31; step=1; steps=40; epoch=0.1; train_loss=2.4;
progress=0.35; step=10; steps=40; epoch=1; train_loss=1.9;
step=10; epoch=1; validation_accuracy=0.78; validation_loss=0.9;
phase=calibrate; progress=0.9;
progress=0.92; closing_step=3; train_loss=0.4;
"""


def test_each_figure_stands_at_the_step_it_was_measured_at():
    assert [p for p in curve_points(LOG) if p[1] == "train_loss"] == [
        (1, "train_loss", 2.4),
        (10, "train_loss", 1.9),
    ]
    assert (10, "validation_accuracy", 0.78) in curve_points(LOG)


def test_the_quick_head_is_where_the_curve_begins_and_read_tickets_are_no_steps():
    points = curve_points(LOG)
    assert (0, "validation_accuracy", 0.71) in points
    assert {step for step, _, _ in points} == {0, 1, 10}


def test_the_end_of_a_log_gives_the_points_it_holds():
    assert curve_points(LOG[LOG.index("35; step=10") :]) == [
        (10, "train_loss", 1.9),
        (10, "validation_loss", 0.9),
        (10, "validation_accuracy", 0.78),
    ]
    assert curve_points("") == []
