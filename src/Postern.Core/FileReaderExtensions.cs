namespace Postern.Core;

/// <summary>What is done with open files.</summary>
public static class FileReaderExtensions
{
    /// <summary>Reads all that is left.</summary>
    public static byte[] ReadToEnd(this IFileReader file)
    {
        var bytes = new byte[Math.Max(1, (int)Math.Min(file.Stamp.Size + 1, Array.MaxLength))]; // one more, to see the end
        var length = 0;
        while (true)
        {
            if (length == bytes.Length)
                Array.Resize(ref bytes, 2 * length); // it grew meanwhile, or is of a kind that has no size
            var count = file.Read(bytes.AsSpan(length));
            if (count == 0)
                break;
            length += count;
        }

        Array.Resize(ref bytes, length);
        return bytes;
    }
}
