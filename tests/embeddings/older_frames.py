"""DataFrames that older versions of pandas pickled, as bytes: zlib, then base 85.

Made of invented ids and numbers by pandas 1.2.5 (protocol 4), 1.5.3 (2 and 4) and 2.2.3 (5 and 4).
"""

from __future__ import annotations

import base64
import zlib

COUNTS_1_2 = (
    "c-oazOK1~87|y1<vDOwTwALzA1zS@JvC)d6!eZltx-_LdO6xjFrkUVo6ZX*>ZJ|A+ZE!@PQ#>em(Sso3MGy}LN-y4|pd$F77"
    "AZb1f_m|w|4cTJ+V<caX8xU-Z~pK5XTO<{=N`*G(P(`ZnF(Zv;u#BvhAouFjBY-O9CTX5v#foRjk6$?^>or=w54);%5<=0BE"
    "t@)k%^MnvKg)IHZt*xy`}FGJU9gS?W=(ad<om37_uQ<jc(#my@$^MfNY^kITnc%K!(vq(@ke{C3xC3oD{Mwl!JV_h2t61b}T"
    "pU0E8-HBcq!jo!BzVG+&-Yq!^oK11zXXnv!Rvktzu%m*onnzwZbu%#>EEs5Hi+(dgMf&_t)H4vQ7I1{v8YlTiuiz-d&9L$-L"
    "vH64aw3zbb?v8X!*2a!73yq;nUnMp2rfR7b2Nk^0_wu3AO*izYcGFhetcz_|0#F-d4kOtDk<&fsGm?|wW#YhYF53dq&{2viM"
    "U^o-G@$Aly{qOd^QdfT8|GwD!MctME+W(~GrCRInnBMm0NAXv1@cR7EZ)$5`axQZ9t@?a~BbJJZV;}mi-TbKX)!^W3^>E?Dg"
    "-<UQ)!gT{aP@=R>P|Q{FuA0j6B}2Gqax8lv2^bH;`ygN5H71%8Xlfmx_nn%zISV3_oKxk16pe}NkY>eQFMQIC)`kXn0E(wca"
    "V2oygMZ7z7ZTslBy^PQP&ov5b5-JP4Y&+H&%J0=M$gejhwK!h&r;B-&_4UH<I_blQy!C1O>;A@^7&rO7c*o75yimy%K=O84Y"
    "xX!d;<o$vy~vJ4R|~AjXYpGvLMN10%?A`N~mR4bIkK5!_oHb5r0g6GFu{QgLn%NF{3$&+2j}W8@SWCli{FQ>d8j7qhaac(d5"
    "Gg(-A!89XW6#pUNkPh$rOTMt1V<T&tfaN7E?fs!I@LWYqUwe^IX1s2G`x`ATYu-T05#zKDqCS=tQ"
)
COUNTS_1_5 = (
    "c-nPT`)?Fg6yDwLu5`pVf>Pz7P#4jq<sntjk%C|uyOpcxiY>#P+1s57v$Oln%v!595ktG(7$a$d#E6oLgrLM|qQ+?ACings{"
    "xN#*%#;Qn^TR#o%suD3-}&z2!<^lsevO7@yBV<ZbU+(SJ3=FRH1?3$aSquz<Vw|iCX+E6^#FahRk(h{0-t(exj}teXF;fqdQ"
    "JQ6coJ#IucVuvYlW-%n%VYSu6@>Hrlkrr6l}lUXw4?LjkXuLGzjRdW(Le|`e78b?MOp0$<icdJc~Pw%skfErroSDJJgu391Z"
    "=|tYmCKs}`m8Xyp3CxN`w(3GV9PZi0JCM%L&viVL_mg{(!hEm?VAH76^kM{s|4v4aN))|HID80{b)tW+w;|B_!k7?}v`twpE"
    "5`lp=bfAA|CcZn~ziO+O#UHr~(h#$q$xcFAz%;&{-C-|?M#6^8=ZYS@o7oUrtcu)LNn&h8~kHpX7roO$%&+&_g`N!h2F1qie"
    "Xv@4;J0Px1@K5+9@wJ|&mnOv}eLwFWIwP)$3t~y16*mTl*YKPCvOb_FNG!3epGr%`b>5p<p(oDs-YpVe@!o0v+n9{SRsH>S{"
    "QF~K`91!PF0S%x{0nh@3;#hZ@g6ofQo4r-9*(flvQ5)!yK;Yg)6_!GwWVkSQp~)O?cfoDM~z$un+P^L1*ho5`?JN7qHiU5Oo"
    "^UVqCf5=I!}yXo6>nZ!QhI{AK;1Gb=D)4tnL(cl;WDvAv~El!`PWPyYW=w?7`ECvlr#W*@s;$!jR<*7#X#C2g3xr6~{dUdsj"
    "K`QyiZm*nf-TNXpS2!Ly3va|8z@N9W(C;Gor&r(h_v`ejp_OKo3j^QkSQ7SAhbUm%b@zNk3nje_EMh+tH4JWOz;gO{dowDga"
    "QS7Yz8ux!zgX{OI+%rW&x!?FKQOEX@c!&q{mYx1V!_=*6A65thraV0=u9u;R$YCe&q($MwsYP>xZCmb#IY>=vI#BR3z2(L+*"
    "U$^3HU%nnVS!ple4T3kF|K=1>zs@wG#*|rg4sVs5la&}WjA#(yl#z)M!>HN9+eR@BSPPRzR^m?)oMsC!3C<*Ml)S{C)&8`*_"
    "(g*i$7X{?G;Z0RLM>i{Mo|!g&0#uzCd_G%)<e|i;8ZuLY0qoUgl4VXlBb+T%=D<myb$hU*tW`l16Q2OrT"
)
STRINGS_1_5 = (
    "c-oCr&ui2`7;UoIt!}GTthJV^h*Gu+YpWFtR+erTp$)E3@gmlAl1!7h*(4;BwhI>Y&>suq$q~HyA9xm#_UuhOC>}&aig@>~-"
    "^}i|*|rB0GMQw)H}B1x@0+K}%b9eCxajc!c_xbTh9BbmLWruE(ZeM~&~4Fw!G@o)6_%rlR<%M#&nCkikKoWlZj`Sg4_P>j80"
    "{{)zEQc;_y%~6_BA1z>*&!ghS44^_5#PKxLDIU2%_nUwqO*7s0NXPnikZScf-r2Nj_3UMg^N3HjtFnK;<J6I-aF5+I3I#1O$"
    "R--afp4q`b~%ncdSGE0J2Tvsl_05kCa|jAnuwv3-w4Iz8#d)u7g3sKzdF1Pv@$3$fvQz!n>XYe|bhm<1FyDb<cuHYMqdljc-"
    "O&8#x}3{9I&Rw~~eXZ4N7Xo^ZtSh-xD`3sk5)B<68eGaUYiz5(R9Ocbb-dy9&7;mmK3{fjUq0>Wp?0`TIoJ&WpV_+cxcqLAu"
    "%3|$Z_Mm-^3$xF+WPz|XW)D$$p-s-j9yuLc&eX`}>wzoZE`Ba_%a_;tzW&+zu*m=X*t$`loZtTVsqnzO`Tg$mUt5pfO+(1f0"
    "t1*m4kYsb>loYBVV4e4(f`VuE%d&z3Xk9S7K-!R6Sdz%o7pcHZZ+9tHMNKBXnPJflf^&;TYl&m$c2QNN_-^~hMrDB#r8$b7o"
    "*1#sJ48{(QIpa9@pPqLMC2@NpuuJx@9#FFKN^KAAoI4)2+TJK@-Z7?YAohAHyO)q?l1@5uPQH4OH=X4VU9JuD#O_O&mhK)MI"
    "`BBs?X-ac4B)_@#p!&vZy|%dC}cU~)=Tk|q-dT5QX9K(t-iPo?bWRZ!%3Aa@xas2Ir-vhBE`*tXjJZg~|VkJn~)mcJ7Q0S@w"
    "=ppZbeQw54RU}}bUFmxm_Cl*#H8tf08bKKC@nWt4TLBioVC>ulwoMvzqWV8hrS)zLixvswyX=WTiQNfOCF48faWE)Ye=l=nI"
    "XCe#"
)
INDEX_2_2 = (
    "c-n1KO=uHA6wW41(rWRaC<@hs)s#ZilY+vil}cTjqDN^RXLl#vrMsK3KaEif=8*p2h=S94Q1GG$LBykYFd)5nlY)xi53xw`="
    "OU;V5Bg@Z#Z;WbytlLOd-J{by}6W}EhS=dvGpb58pO}(MUUnR9&spV9mhyO`lWxJ_f+`=&$2e`jC!1PwT4@6Ks}e(e$F8-8K"
    "s`jS?5u^sE-XczX8rN5dzzm=KqCowibtO$<oJciZy`|!5iJsDOGY<rU##Tmd@E~T=0sH78VLJWp?gblYH#S?X7#>?tF=se%<"
    "@FF!&j5uYEcBsOtsljQ37uUVpFu%no0D`r|9=PE}|7F26y~#s#8LHx9lZx^m+K5`VM9uh9OPBWFK8UqF>lyY{u;zlF9z)>O5"
    "DPRqchdRbmHUvK7pS3mQ30Nh1%Vbg=-jq`WV;@z9`J0337IZMg{z#2iNB-+Q~g#&zMdWxUoSvA3wLp-0)pZE<+ZfY#xnwn5k"
    "lbk92Jb*CPu7#EzST6J^>D!hr(x@>AQbZOtF7_H90a3QBRKuX>sGrk_4;rq*E-m8$aRzX+n<bZhsipx6gEp=0c0#z6cpd@zo"
    "!Fy#(e(o_)B}NE$I@_<{3*!Pc%P#2W>JcosBv=xiw~_R^x{8-A}Dl5kXGPg05e7B6wX+iD+VneP6E>0ZT0{^v)5dco!c9!oQ"
    "!NVvaycHDv?b`HXd0?#%dvBX8zOjR1GNf$&Q<cS=uR%TXewSk_HtUj67%vuR-)``DI{-21GV*1k@ox05d<qSqc|yGAiB8#I}"
    "oN9~)r_v?Bq<Hqj^y{Inlxxj!gxVnP"
)
VECTORS_2_2 = (
    "c-n=OO=uHA6vvZolD1kbMXB|JDxwk*qn;`#ELu@&Xo@{b+v)7?G`n;^!tQKq)Pg-EZE?gyr+85Cq6b05qj)eNy?B#?O2H3mk"
    ">bZiP%j?z%_POd7PEnQZ+GAS&2M(*pR2LCp;$y-tSyIK0|zPH^GRyN#}47F`81~ZjLc{Gfk{5WlPrdutj}3zb-CqI;=9-mQV"
    "w=;miPf@EvIZxAMGvQgPgTj6v(!;;ID+URusB9OCPlf(u779yP=cIr;u##gf_LX@8dkQMLy9zH=ur~Q&Ab0m7Fy~b6GOW(~$"
    "!2j%s|0_w!^r3co~=o2@Kv(0ooTg(=oCJ~Lf@-@u|LcqWrM_Zu!bq$8ATGu=nx<xdl7sKn+<j8<Y}B`TH3LB^W2&;nc+78Va"
    "|OD7UYP>AW$iWtp}<|eaEV49n2Av>7TSA%xtA2d~<4f5pL1`P!%AE}a?JJ(xR$J0C855L{}N?rMN|Jy?EXLVQM%lXHhFIB<6"
    "e%~%owI~Ot+84i<ekKQQJp1ug-Iti0>%R7;j_UcCm~E+K9Dm<;{pJT%Xp;l4>!`YBP7Z&3v7qKZ?LXS|;I_I0coUOLbyOGRB"
    "rBzHxxo2SnfP7l|Ei%UJy5u;Uf%NX?9!#X>hir?^Sd7{NEH#vJy5JvZ(ota2C$A=2N>ic2~rvkz&9I^OU6-;cm}&~4zu`bE*"
    ")fmtN2<V1#S+By=9FSB@VI-&Jtrpr=HIR2#dMGiJ7n{j*!N-tq0&^H!BGGMXZ|D^fGWBDfTIxMivXGm*eS#NC+fR*^`I?3=S"
    "><?+eP+{{iF>iY4|S9BWJ|ID7)=(1?w*GTn-8+Zzv%5$52~V@i;XH3IgY4ni&U2lzU+sQ"
)


def pickled(text: str) -> bytes:
    """Return the bytes of a pickle."""
    return zlib.decompress(base64.b85decode(text))
