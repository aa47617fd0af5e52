"""The form with which a token is made."""

from datetime import timedelta

from django import forms

from issuetracker.access.permissions import MEANINGS, USUAL
from issuetracker.access.services import checked_component

#: How long a token can be good; none is for ever by default.
LIVES: dict[str, tuple[str, timedelta | None]] = {
    "30": ("30 days", timedelta(days=30)),
    "90": ("90 days", timedelta(days=90)),
    "365": ("a year", timedelta(days=365)),
    "never": ("until it is revoked", None),
}


class TokenForm(forms.Form):
    """What a token is for, what it may do, how long it is good."""

    service = forms.CharField(
        max_length=100,
        help_text="The component's name, as the service reports it. Its user is made with the "
        "token where there is none.",
        widget=forms.TextInput(attrs={"list": "services", "autocomplete": "off"}),
    )
    purpose = forms.CharField(
        max_length=100,
        required=False,
        help_text="Where the token will lie, so that somebody finds it there who has to replace "
        "it: “production, in the deployment's secrets”.",
    )
    permissions = forms.MultipleChoiceField(
        choices=[(p.value, f"{p.value}: {meaning}") for p, meaning in MEANINGS.items()],
        initial=list(USUAL),
        widget=forms.CheckboxSelectMultiple,
    )
    life = forms.ChoiceField(
        label="Good for", choices=[(key, name) for key, (name, _) in LIVES.items()], initial="365"
    )
    form_id = forms.UUIDField(widget=forms.HiddenInput)

    def clean_service(self) -> str:
        """A name that a report could have.

        Raises:
            ValidationError: it is none.
        """
        service: str = self.cleaned_data["service"]
        try:
            return checked_component(service)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    @property
    def chosen_life(self) -> timedelta | None:
        """How long the token is good, None for ever; of a valid form."""
        return LIVES[self.cleaned_data["life"]][1]
