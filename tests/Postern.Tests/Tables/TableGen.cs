using CsCheck;

namespace Postern.Tests.Tables;

/// <summary>Random texts that look enough like tables and lists to reach the corners of their parsers.</summary>
internal static class TableGen
{
    private static readonly Gen<string> Word = Gen.OneOf(
        "if", "endif", "IF", "permit", "reject", "dunno", "permit_mynetworks", "1.2.3.0/24", "1.2.3.4", "::/0", "[::1]", "[1.2.3.0/24]",
        "/", "[", "]", "!", "{", "}", "\"", "\\", "=", ":", "#", ",", " ", "\t", "\n", "\r", "\0", "é", "ÿ", "0", "99999999999999999999",
        "cidr:", "inline:{", "static:", "texthash:/t", "fail:1", "foo:bar", "/file", "x=y", "key value\n");

    public static readonly Gen<string> Text = Gen.OneOf(Word, Gen.Char['\0', 'ÿ'].Select(c => c.ToString()))
        .Array[0, 30].Select(string.Concat);
}
