//! Decompression by magic bytes; an incomplete or damaged file is an error, never a shorter input.

use super::InputError;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::borrow::Cow;
use std::fmt;
use std::io::{ErrorKind, Read};

/// How an input is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As it is.
    Plain,
    /// gzip.
    Gzip,
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
}

impl Format {
    /// The format that the first bytes of a file announce. Anything unknown is plain.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain text",
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        })
    }
}

/// The plain bytes of a file; several compressed parts behind each other are one.
///
/// # Errors
/// [`InputError::Compressed`] if the file is cut off or damaged, or goes on with something else.
pub fn decompress(bytes: &[u8]) -> Result<Cow<'_, [u8]>, InputError> {
    let format = Format::of(bytes);
    let mut plain = Vec::new();
    let result = match format {
        Format::Plain => return Ok(Cow::Borrowed(bytes)),
        Format::Gzip => read_all(flate2::read::MultiGzDecoder::new(bytes), &mut plain),
        Format::Xz => read_all(lzma_rust2::XzReader::new(bytes, true), &mut plain),
        Format::Zstd => zstd(bytes, &mut plain),
    };
    result.map_err(|reason| InputError::Compressed { format, reason })?;
    Ok(Cow::Owned(plain))
}

fn read_all(mut reader: impl Read, plain: &mut Vec<u8>) -> Result<(), String> {
    match reader.read_to_end(plain) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err("it is cut off".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Frame by frame, with the checksum of each compared: the decoder does neither by itself.
fn zstd(mut bytes: &[u8], plain: &mut Vec<u8>) -> Result<(), String> {
    let mut decoder = FrameDecoder::new();
    while !bytes.is_empty() {
        match decoder.reset(&mut bytes) {
            Ok(()) => {}
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length, ..
            })) => {
                bytes = bytes.get(length as usize..).ok_or("cut off within a skippable frame")?;
                continue;
            }
            Err(error) => return Err(error.to_string()),
        }
        while !decoder.is_finished() {
            decoder
                .decode_blocks(&mut bytes, BlockDecodingStrategy::UptoBytes(1 << 20))
                .map_err(|error| error.to_string())?;
            decoder.collect_to_writer(&mut *plain).map_err(|error| error.to_string())?;
        }
        decoder.collect_to_writer(&mut *plain).map_err(|error| error.to_string())?;
        let (said, found) = (decoder.get_checksum_from_data(), decoder.get_calculated_checksum());
        if said.is_some() && said != found {
            return Err("checksum of a frame does not match its content".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn text() -> Vec<u8> {
        (0..400).flat_map(|row| format!("N{row},{},{}\n", row % 7, row * row).into_bytes()).collect()
    }

    fn gzip() -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&text()).unwrap();
        encoder.finish().unwrap()
    }

    fn xz() -> Vec<u8> {
        let mut writer =
            lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
        writer.write_all(&text()).unwrap();
        writer.finish().unwrap()
    }

    fn zstd_frame() -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(&*text(), ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn all() -> [(Format, Vec<u8>); 3] {
        [(Format::Gzip, gzip()), (Format::Xz, xz()), (Format::Zstd, zstd_frame())]
    }

    #[test]
    fn every_format_comes_back_whole() {
        for (format, bytes) in all() {
            assert_eq!(Format::of(&bytes), format);
            assert_eq!(decompress(&bytes).unwrap(), text());
        }
        assert_eq!(decompress(&text()).unwrap(), text());
    }

    #[test]
    fn parts_behind_each_other_are_one_input() {
        for (format, bytes) in all() {
            let twice = decompress(&[&bytes[..], &bytes[..]].concat()).unwrap().into_owned();
            assert_eq!(twice, [text(), text()].concat(), "{format}");
        }
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &zstd_frame()].concat();
        assert_eq!(decompress(&skippable).unwrap(), text());
    }

    #[test]
    fn file_cut_off_anywhere_is_an_error() {
        for (format, bytes) in all() {
            // Below six bytes the magic is cut off too, and the rest is plain text.
            for length in 6..bytes.len() {
                let result = decompress(&bytes[..length]);
                assert!(result.is_err(), "{format} cut off after {length} of {} bytes", bytes.len());
            }
        }
    }

    #[test]
    fn damaged_file_is_an_error_or_the_whole_text() {
        for (format, bytes) in all() {
            for position in 6..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[position] ^= 0x10;
                // Some header fields (a time stamp, say) do not matter.
                if let Ok(plain) = decompress(&damaged) {
                    assert_eq!(plain, text(), "{format} damaged at byte {position}");
                }
            }
        }
    }

    #[test]
    fn something_else_behind_the_end_is_an_error() {
        for (format, bytes) in all() {
            assert!(decompress(&[&bytes[..], b"garbage"].concat()).is_err(), "{format}");
        }
    }
}
