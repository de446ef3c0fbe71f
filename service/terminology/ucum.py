"""Codes of UCUM (https://ucum.org/ucum, chapters 2 to 4), case-sensitive: which texts are units.

Whether amounts in two units can be compared is the business of ``service/fhir/fhirpath/units.py``, which knows the
measure of fewer units than there are names.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_PREFIX_NAMES: Final = "Y Z E P T G M k h da d c m u n p f a z y Ki Mi Gi Ti"
_METRIC_NAMES: Final = (
    "m s g rad K C cd mol sr Hz N Pa J W A V F Ohm S Wb Cel T H lm lx Bq Gy Sv l L ar t bar u pc [c] [h] [k] [eps_0] "
    "[mu_0] [e] eV [m_e] [m_p] [G] [g] [ly] gf Ky Gal dyn erg P Bi St Mx G Oe Gb sb Lmb ph Ci R RAD REM cal_[15] "
    "cal_[20] cal_m cal_IT cal_th cal tex m[H2O] m[Hg] eq osm g% kat U [iU] [IU] Np B B[SPL] B[V] B[mV] B[uV] "
    "B[10.nV] B[W] B[kW] st mho bit By Bd"
)
_PLAIN_NAMES: Final = (
    "10* 10^ [pi] % [ppth] [ppm] [ppb] [pptr] deg gon ' '' min h d a_t a_j a_g a wk mo_s mo_j mo_g mo AU Torr atm "
    "[in_i] [ft_i] [yd_i] [mi_i] [fth_i] [nmi_i] [kn_i] [sin_i] [sft_i] [syd_i] [cin_i] [cft_i] [cyd_i] [bf_i] [cr_i] "
    "[mil_i] [cml_i] [hd_i] [ft_us] [yd_us] [in_us] [rd_us] [ch_us] [lk_us] [rch_us] [rlk_us] [fth_us] [fur_us] "
    "[mi_us] [acr_us] [srd_us] [smi_us] [sct] [twp] [mil_us] [in_br] [ft_br] [rd_br] [ch_br] [lk_br] [fth_br] [pc_br] "
    "[yd_br] [mi_br] [nmi_br] [kn_br] [acr_br] [gal_us] [bbl_us] [qt_us] [pt_us] [gil_us] [foz_us] [fdr_us] [min_us] "
    "[crd_us] [bu_us] [gal_wi] [pk_us] [dqt_us] [dpt_us] [tbs_us] [tsp_us] [cup_us] [foz_m] [cup_m] [tsp_m] [tbs_m] "
    "[gal_br] [pk_br] [bu_br] [qt_br] [pt_br] [gil_br] [foz_br] [fdr_br] [min_br] [gr] [lb_av] [lbf_av] [oz_av] "
    "[dr_av] [scwt_av] [lcwt_av] [ston_av] [lton_av] [stone_av] [pwt_tr] [oz_tr] [lb_tr] [sc_ap] [dr_ap] [oz_ap] "
    "[lb_ap] [oz_m] [lne] [pnt] [pca] [pnt_pr] [pca_pr] [pied] [pouce] [ligne] [didot] [cicero] [degF] [degR] [degRe] "
    "[Cal] [Btu_39] [Btu_59] [Btu_60] [Btu_m] [Btu_IT] [Btu_th] [Btu] [HP] [den] [in_i'H2O] [in_i'Hg] [PRU] [wood'U] "
    "[diop] [p'diop] %[slope] [mesh_i] [Ch] [drp] [hnsf'U] [MET] [hp'_X] [hp'_C] [hp'_M] [hp'_Q] [hp_X] [hp_C] [hp_M] "
    "[hp_Q] [kp_X] [kp_C] [kp_M] [kp_Q] [pH] [S] [HPF] [LPF] [arb'U] [USP'U] [GPL'U] [MPL'U] [APL'U] [beth'U] "
    "[anti'Xa'U] [todd'U] [dye'U] [smgy'U] [bdsk'U] [ka'U] [knk'U] [mclg'U] [tb'U] [CCID_50] [TCID_50] [EID_50] [PFU] "
    "[FFU] [CFU] [IR] [BAU] [AU] [Amb'a'1'U] [PNU] [Lf] [D'ag'U] [FEU] [ELU] [EU] Ao b att [psi] circ sph [car_m] "
    "[car_Au] [smoot] [m/s2/Hz^0.5] bit_s"
)
_PREFIXES: Final = frozenset(_PREFIX_NAMES.split())
_METRIC: Final = frozenset(_METRIC_NAMES.split())
_PLAIN: Final = frozenset(_PLAIN_NAMES.split())
_LONGEST: Final = 250

# A bracketed part is of one piece, whatever is in it; braces hold a remark, in which all that is printable may stand.
_PART: Final = re.compile(r"(?:\[[^\[\]{}\s]*\]|[^\[\]{}()./\s])+")
_REMARK: Final = re.compile(r"\{[!-z|~]*\}")
_FACTOR: Final = re.compile(r"[1-9][0-9]*")
_POWER: Final = re.compile(r"(.*?[^0-9+-]|10[*^])([+-]?[0-9]+)?")


@lru_cache(maxsize=2048)
def is_unit(code: str) -> bool:
    """Whether a text is a unit of UCUM: a product of powers of units, with prefixes where they are metric."""
    if not code or len(code) > _LONGEST or not code.isascii():
        return False
    return _product(code, 1 if code.startswith("/") else 0, 0) == len(code)


def _product(code: str, at: int, depth: int) -> int:
    """Return where the product ends that begins here, -1 where there is none."""
    while True:
        at = _component(code, at, depth)
        if at < 0 or at == len(code) or code[at] not in "./":
            return at
        at += 1


def _component(code: str, at: int, depth: int) -> int:
    if code.startswith("(", at):
        start = at + 1 + code.startswith("/", at + 1)
        end = _product(code, start, depth + 1) if depth < _LONGEST // 10 else -1
        return end + 1 if end > 0 and code.startswith(")", end) else -1
    part = _PART.match(code, at)
    end = at
    if part is not None:
        if not (_FACTOR.fullmatch(part[0]) or _is_power(part[0])):
            return -1
        end = part.end()
    remark = _REMARK.match(code, end)
    if remark is not None:
        end = remark.end()
    return end if end > at else -1


def _is_power(text: str) -> bool:
    split = _POWER.fullmatch(text)
    return split is not None and (_is_atom(split[1]) or _is_atom(text))


def _is_atom(symbol: str) -> bool:
    if symbol in _METRIC or symbol in _PLAIN:
        return True
    return any(symbol[:size] in _PREFIXES and symbol[size:] in _METRIC for size in (1, 2))
