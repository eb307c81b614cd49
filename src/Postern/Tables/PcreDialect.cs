using System.Text;
using Postern.Core;
using Postern.Core.Tables;
using Postern.Native;

namespace Postern.Tables;

/// <summary><c>pcre:</c> — Perl compatible expressions, by libpcre2-8.</summary>
internal sealed unsafe class PcreDialect : IPatternDialect
{
    private static readonly PcreDialect Instance = new();

    public string TypeName => "pcre";

    public PatternOptions Defaults => PatternOptions.IgnoreCase | PatternOptions.DotAll;

    public bool AllowsSecondPattern => false;

    public string UnclosedRemedy => "ignoring this rule";

    public string OutOfRange => "out of range";

    /// <summary>Reads a table.</summary>
    public static ILookupTable? Parse(TableSource source, IWarningSink warnings, out string? problem)
    {
        if (Pcre2.IsInstalled)
            return PatternTable.Parse(Instance, source, warnings, out problem);
        problem = $"{source.Name}: libpcre2-8.so.0 is not installed (Debian package libpcre2-8-0)";
        return null;
    }

    /// <summary>Lists the rules.</summary>
    public static IEnumerable<TableRule> Rules(TableSource source) => Pcre2.IsInstalled ? PatternTable.Rules(Instance, source) : [];

    public PatternOptions? Toggle(char flag) => flag switch
    {
        'i' => PatternOptions.IgnoreCase,
        'm' => PatternOptions.MultiLine,
        's' => PatternOptions.DotAll,
        'x' => PatternOptions.Extended,
        'A' => PatternOptions.Anchored,
        'E' => PatternOptions.DollarEndOnly,
        'U' => PatternOptions.Ungreedy,
        'X' => PatternOptions.None,
        _ => null,
    };

    public IPattern? Compile(string expression, PatternOptions options, out string? problem)
    {
        problem = null;
        var text = new byte[expression.Length + 1]; // never empty, so that there is an address
        Encoding.Latin1.GetBytes(expression, text);
        nint code;
        int error;
        nuint offset;
        fixed (byte* start = text)
            code = Pcre2.pcre2_compile_8(start, (nuint)expression.Length, Flags(options), out error, out offset, 0);
        if (code != 0)
            return new PcrePattern(code);
        problem = $"error in regex at offset {offset}: {Pcre2.Text(error)}";
        return null;
    }

    private static uint Flags(PatternOptions options)
    {
        var flags = 0u;
        Add(PatternOptions.IgnoreCase, Pcre2.PCRE2_CASELESS);
        Add(PatternOptions.MultiLine, Pcre2.PCRE2_MULTILINE);
        Add(PatternOptions.DotAll, Pcre2.PCRE2_DOTALL);
        Add(PatternOptions.Extended, Pcre2.PCRE2_EXTENDED);
        Add(PatternOptions.Anchored, Pcre2.PCRE2_ANCHORED);
        Add(PatternOptions.DollarEndOnly, Pcre2.PCRE2_DOLLAR_ENDONLY);
        Add(PatternOptions.Ungreedy, Pcre2.PCRE2_UNGREEDY);
        return flags;

        void Add(PatternOptions option, uint flag)
        {
            if (options.HasFlag(option))
                flags |= flag;
        }
    }
}
