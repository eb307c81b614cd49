using System.Runtime.InteropServices;

namespace Postern.Native;

/// <summary>
/// The part of libpcre2-8 that <c>pcre:</c> tables need (pcre2api(3)). The library is looked for at run time: who has no
/// such table need not have it.
/// </summary>
internal static unsafe partial class Pcre2
{
    public const uint PCRE2_ANCHORED = 0x80000000;
    public const uint PCRE2_CASELESS = 0x00000008;
    public const uint PCRE2_DOLLAR_ENDONLY = 0x00000010;
    public const uint PCRE2_DOTALL = 0x00000020;
    public const uint PCRE2_EXTENDED = 0x00000080;
    public const uint PCRE2_MULTILINE = 0x00000400;
    public const uint PCRE2_UNGREEDY = 0x00040000;
    public const uint PCRE2_NO_JIT = 0x00002000; // of pcre2_match
    public const uint PCRE2_JIT_COMPLETE = 0x00000001;
    public const uint PCRE2_INFO_CAPTURECOUNT = 4;
    public const int PCRE2_ERROR_NOMATCH = -1;
    public const int PCRE2_ERROR_JIT_STACKLIMIT = -46;

    private const string Library = "libpcre2-8.so.0";

    /// <summary>Whether the library is on this machine. Loads it.</summary>
    public static bool IsInstalled => NativeLibrary.TryLoad(Library, out _);

    [LibraryImport(Library)]
    public static partial nint pcre2_compile_8(byte* pattern, nuint length, uint options, out int error, out nuint offset, nint context);

    [LibraryImport(Library)]
    public static partial void pcre2_code_free_8(nint code);

    [LibraryImport(Library)]
    public static partial int pcre2_jit_compile_8(nint code, uint options);

    [LibraryImport(Library)]
    public static partial int pcre2_pattern_info_8(nint code, uint what, uint* value);

    [LibraryImport(Library)]
    public static partial nint pcre2_match_data_create_from_pattern_8(nint code, nint context);

    [LibraryImport(Library)]
    public static partial void pcre2_match_data_free_8(nint data);

    /// <returns>Pairs of offsets; of what took no part, -1 as an unsigned number.</returns>
    [LibraryImport(Library)]
    public static partial nuint* pcre2_get_ovector_pointer_8(nint data);

    [LibraryImport(Library)]
    public static partial nint pcre2_match_context_create_8(nint context);

    [LibraryImport(Library)]
    public static partial void pcre2_match_context_free_8(nint context);

    [LibraryImport(Library)]
    public static partial int pcre2_set_match_limit_8(nint context, uint limit);

    [LibraryImport(Library)]
    public static partial int pcre2_set_depth_limit_8(nint context, uint limit);

    [LibraryImport(Library)]
    public static partial int pcre2_set_heap_limit_8(nint context, uint kibibytes);

    /// <returns>The number of groups, counted from the last one that matched, plus 1; below 0: an error.</returns>
    [LibraryImport(Library)]
    public static partial int pcre2_match_8(nint code, byte* subject, nuint length, nuint start, uint options, nint data, nint context);

    [LibraryImport(Library)]
    private static partial int pcre2_get_error_message_8(int error, byte* text, nuint size);

    /// <summary>The library's words for one of its error numbers.</summary>
    public static string Text(int error)
    {
        var text = stackalloc byte[256];
        return pcre2_get_error_message_8(error, text, 256) < 0 ? $"error {error}" : Marshal.PtrToStringUTF8((nint)text)!;
    }
}
