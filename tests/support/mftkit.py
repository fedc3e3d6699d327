"""MFT records of NTFS by themselves, without a volume around them."""

from __future__ import annotations

from evkit.inventory import validlength


def valid_length(record, attr, attr_id):
    """The valid length of an attribute of a record as it lies on the disk, None when unsure."""
    data = validlength._fixed(record) or b""
    return validlength._valid_length(data, validlength._attributes(data), attr, attr_id)
