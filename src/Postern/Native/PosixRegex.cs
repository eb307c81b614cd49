using System.Runtime.InteropServices;

namespace Postern.Native;

/// <summary>
/// Regular expressions of the C library (regcomp(3)), which <c>regexp:</c> tables are defined by. They go by the locale of
/// the thread that calls; ours is "C" meanwhile, where a byte is a character, as in Postfix's daemons.
/// </summary>
internal static unsafe partial class PosixRegex
{
    public const int REG_EXTENDED = 1;
    public const int REG_ICASE = 2;
    public const int REG_NEWLINE = 4;
    public const int REG_NOMATCH = 1;

    /// <summary>More than sizeof(regex_t), which is 64 with glibc and 56 with musl.</summary>
    public const int RegexSize = 128;

    private const int LC_ALL_MASK = 0x1fbf;
    private static readonly nint CLocale = newlocale(LC_ALL_MASK, "C", 0);

    /// <summary>Calls <c>regcomp</c>.</summary>
    /// <param name="regex">Takes <see cref="RegexSize"/> bytes; to be freed after success only.</param>
    public static int Compile(byte* regex, string expression, int flags)
    {
        var before = uselocale(CLocale);
        var error = regcomp(regex, expression, flags);
        _ = uselocale(before);
        return error;
    }

    /// <summary>Calls <c>regexec</c>.</summary>
    /// <param name="text">Ends in a NUL.</param>
    public static int Match(byte* regex, byte* text, Span<RegexMatch> matches)
    {
        var before = uselocale(CLocale);
        int error;
        fixed (RegexMatch* first = matches)
            error = regexec(regex, text, (nuint)matches.Length, first, 0);
        _ = uselocale(before);
        return error;
    }

    /// <summary>The field re_nsub of glibc's regex_t: the number of groups.</summary>
    public static int GroupCount(byte* regex) => (int)*(nuint*)(regex + (6 * sizeof(nint)));

    /// <summary>The library's words for what <c>regcomp</c> or <c>regexec</c> returned.</summary>
    public static string Text(int error, byte* regex)
    {
        var text = stackalloc byte[256];
        _ = regerror(error, regex, text, 256);
        return Marshal.PtrToStringUTF8((nint)text)!;
    }

    [LibraryImport("libc")]
    public static partial void regfree(byte* regex);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(Latin1Marshaller))]
    private static partial int regcomp(byte* regex, string expression, int flags);

    [LibraryImport("libc")]
    private static partial int regexec(byte* regex, byte* text, nuint count, RegexMatch* matches, int flags);

    [LibraryImport("libc")]
    private static partial nuint regerror(int error, byte* regex, byte* text, nuint size);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(Latin1Marshaller))]
    private static partial nint newlocale(int categories, string name, nint basis);

    [LibraryImport("libc")]
    private static partial nint uselocale(nint locale);
}

/// <summary>regmatch_t: offsets; -1: it took no part.</summary>
internal struct RegexMatch
{
    public int Start;
    public int End;
}
